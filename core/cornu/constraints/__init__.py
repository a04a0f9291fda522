"""Projections of weights, applied after each update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from cornu.utils.registry import Registry

_REGISTRY = Registry("constraint", (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm), snake_case=True)

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm


def get(identifier: Any) -> Any:
    """The constraint meant by a name, config, class or function; None stays None.

    Raises:
        ValueError: If nothing is found.

    Example:
        >>> get("max_norm").max_value
        2
    """
    return _REGISTRY.get(identifier)


def serialize(constraint: Any) -> Any:
    """A JSON-ready description in Keras's format."""
    return _REGISTRY.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint described by a config."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm",
    "non_neg", "serialize", "unit_norm",
]  # fmt: skip
