"""Penalties on weights, added to the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer
from cornu.utils.registry import Registry

_REGISTRY = Registry(
    "regularizer", (Regularizer, L1, L2, L1L2, OrthogonalRegularizer), {"l1_l2": L1L2}, snake_case=True
)

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer meant by a name, config, class or function; None stays None.

    Raises:
        ValueError: If nothing is found.

    Example:
        >>> get("l2").l2
        0.01
    """
    return _REGISTRY.get(identifier)


def serialize(regularizer: Any) -> Any:
    """A JSON-ready description in Keras's format."""
    return _REGISTRY.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer described by a config."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2",
    "orthogonal_regularizer", "serialize",
]  # fmt: skip
