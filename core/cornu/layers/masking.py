"""Masks of symbolic tensors."""

from __future__ import annotations

from typing import Any

from cornu.ops.operation import Operation


class ComputeMask(Operation):
    """A layer's `compute_mask` as an operation of a functional model.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: Any, name: str | None = None) -> None:
        super().__init__(name=name or f"{layer.name}_mask")
        self.layer = layer

    def call(self, inputs: Any, previous: Any) -> Any:
        return self.layer.compute_mask(inputs, previous)


def symbolic_mask(layer: Any, inputs: Any, previous: Any) -> Any:
    """The mask of a layer's symbolic output."""
    return ComputeMask(layer)(inputs, previous)
