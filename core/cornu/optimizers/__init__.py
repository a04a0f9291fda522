"""Optimizers, and finding them by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.optimizers import schedules
from cornu.optimizers.adam import Adam, Adamax, AdamW, Lamb, Nadam, ScheduleFreeAdamW
from cornu.optimizers.adaptive import Adadelta, Adafactor, Adagrad, Ftrl, RMSprop
from cornu.optimizers.loss_scale import LossScaleOptimizer
from cornu.optimizers.multi import MultiOptimizer, OptimizerMap
from cornu.optimizers.muon import Muon
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.sgd import SGD, Lion
from cornu.utils.registry import Registry

_CLASSES = (
    SGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer,
    MultiOptimizer, Muon, Nadam, Optimizer, RMSprop, ScheduleFreeAdamW,
)  # fmt: skip
_REGISTRY = Registry("optimizer", _CLASSES, fold_case=True)


def get(identifier: Any) -> Any:
    """The optimizer meant by a name (in any case), config, class or object; None stays None.

    Raises:
        ValueError: If nothing is found.

    Example:
        >>> get("adam").beta_2
        0.999
    """
    found = identifier if isinstance(identifier, Optimizer) else _resolve(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}.")
    return found


def _resolve(identifier: Any) -> Any:
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    found = _REGISTRY.find(identifier) if isinstance(identifier, str) else identifier
    if isinstance(found, type) and issubclass(found, Optimizer):
        make: Any = found
        return make()
    if isinstance(identifier, str):
        raise ValueError(
            f"Could not interpret optimizer identifier: {identifier!r}. Built-in names: "
            f"{', '.join(cls.__name__ for cls in _CLASSES)}."
        )
    return identifier


def serialize(optimizer: Any) -> Any:
    """A JSON-ready description in Keras's format."""
    return _REGISTRY.serialize(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer described by a config."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "ScheduleFreeAdamW", "deserialize",
    "get", "schedules", "serialize",
]  # fmt: skip
