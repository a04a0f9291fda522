"""Learning rates that depend on the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.optimizers.schedules.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from cornu.utils.registry import Registry

_REGISTRY = Registry(
    "learning rate schedule",
    (CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay),
)


def serialize(learning_rate_schedule: Any) -> Any:
    """A JSON-ready description in Keras's format."""
    return _REGISTRY.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule described by a config."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
    "PiecewiseConstantDecay", "PolynomialDecay", "deserialize", "serialize",
]  # fmt: skip
