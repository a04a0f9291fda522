"""What a plugin may offer: one hook for each kind of object, each of which returns names and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from cornu.callbacks import Callback
    from cornu.ir.program import Program
    from cornu.layers import Layer
    from cornu.optimizers import Optimizer

PROJECT = "cornu"
PREFIX = "cornu_"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def cornu_layers() -> Mapping[str, type[Layer]]:  # type: ignore[empty-body]
    """Layers by name."""


@hookspec
def cornu_losses() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Losses by name: subclasses of `Loss`, or functions of `(y_true, y_pred)`."""


@hookspec
def cornu_metrics() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Metrics by name: subclasses of `Metric`, or functions of `(y_true, y_pred)`."""


@hookspec
def cornu_optimizers() -> Mapping[str, type[Optimizer]]:  # type: ignore[empty-body]
    """Optimizers by name."""


@hookspec
def cornu_callbacks() -> Mapping[str, type[Callback]]:  # type: ignore[empty-body]
    """Callbacks by name."""


@hookspec
def cornu_datasets() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Data sets by name: modules or objects with a function `load_data`."""


@hookspec
def cornu_passes() -> Mapping[str, Callable[[Program], Program]]:  # type: ignore[empty-body]
    """Passes over programs by name, in the order in which they run."""
