"""What one loaded plugin offers, checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cornu.backend.discovery import Source

PASSES_SUFFIX = ".passes"

Offers = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A plugin that was imported and whose hooks were called.

    Args:
        name: The name of its entry point.
        source: The distribution that it comes from.
        package: The name under which its objects are saved: the distribution's, or the plugin's own where a process
            registered it.
        offers: Its objects by kind and name.
        seconds: How long its import took.
    """

    name: str
    source: Source
    package: str
    offers: Offers = field(default_factory=dict)
    seconds: float = 0.0


def _is_layer(obj: Any) -> bool:
    from cornu.layers import Layer

    return inspect.isclass(obj) and issubclass(obj, Layer)


def _is_loss(obj: Any) -> bool:
    from cornu.losses import Loss

    return issubclass(obj, Loss) if inspect.isclass(obj) else inspect.isfunction(obj)


def _is_metric(obj: Any) -> bool:
    from cornu.metrics import Metric

    return issubclass(obj, Metric) if inspect.isclass(obj) else inspect.isfunction(obj)


def _is_optimizer(obj: Any) -> bool:
    from cornu.optimizers import Optimizer

    return inspect.isclass(obj) and issubclass(obj, Optimizer)


def _is_callback(obj: Any) -> bool:
    from cornu.callbacks import Callback

    return inspect.isclass(obj) and issubclass(obj, Callback)


# Each kind: how to recognise an object of it, and what to call that.
KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "layers": (_is_layer, "a subclass of cornu.layers.Layer"),
    "losses": (_is_loss, "a subclass of cornu.losses.Loss or a function"),
    "metrics": (_is_metric, "a subclass of cornu.metrics.Metric or a function"),
    "optimizers": (_is_optimizer, "a subclass of cornu.optimizers.Optimizer"),
    "callbacks": (_is_callback, "a subclass of cornu.callbacks.Callback"),
    "datasets": (lambda obj: callable(getattr(obj, "load_data", None)), "something with a function load_data"),
    "passes": (lambda obj: callable(obj) and not inspect.isclass(obj), "a function from a program to a program"),
}

SAVED = ("layers", "losses", "metrics", "optimizers")


def check_offers(kind: str, told: Any) -> dict[str, Any]:
    """Returns what a hook returned, if it is a mapping from names to objects of its kind.

    Args:
        kind: The kind, such as `"layers"`.
        told: What the hook returned.

    Raises:
        TypeError: It is something else; the message names the hook and the first entry that does not fit.
    """
    if not isinstance(told, Mapping):
        raise TypeError(f"cornu_{kind}() must return a mapping from names to objects, not {type(told).__name__}")
    fits, expected = KINDS[kind]
    for name, obj in told.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"cornu_{kind}() gives the name {name!r}, which is no identifier")
        if not fits(obj):
            raise TypeError(f"cornu_{kind}()[{name!r}] must be {expected}, not {obj!r}")
    return dict(told)


def register_names(loaded: Loaded) -> None:
    """Lets files name what a plugin offers, as `package>Name`; names that its author registered stay.

    Args:
        loaded: The plugin.

    Raises:
        ValueError: A class cannot be saved, as it has no `get_config()`.
    """
    from cornu.saving import registry
    from cornu.saving.names import keras_name

    for kind in SAVED:
        for name, obj in loaded.offers.get(kind, {}).items():
            built_in = inspect.isclass(obj) and keras_name(obj) is not None
            if not built_in and not registry.has_name(obj):
                registry.register_keras_serializable(loaded.package, name)(obj)


def forget_names(loaded: Loaded) -> None:
    """Takes `register_names` back.

    Args:
        loaded: The plugin.
    """
    from cornu.saving import registry

    for kind in SAVED:
        for name, obj in loaded.offers.get(kind, {}).items():
            registry.forget(f"{loaded.package}>{name}", obj)
