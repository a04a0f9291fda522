"""Tensors one after another."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.merging.merge import Merge


class Concatenate(Merge):
    """Joins tensors along an axis.

    Where some inputs have a mask, those without count as kept.

    Args:
        axis: The axis.

    Raises:
        ValueError: If the axis is no integer, or ranks or the other sizes differ.

    Example:
        >>> import cornu
        >>> cornu.layers.Concatenate()([cornu.ops.ones((1, 2)), cornu.ops.ones((1, 3))]).shape
        (1, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, int):
            raise ValueError(f"Concatenate layer '{self.name}': `axis` must be an integer, got {axis!r}.")
        self.axis = axis

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes) or not -rank <= self.axis < rank:
            raise ValueError(
                f"Concatenate layer '{self.name}': inputs must have one rank, with an axis {self.axis}. "
                f"Received: input_shape={shapes}"
            )
        for axis, sizes in enumerate(zip(*shapes, strict=True)):
            if axis != self.axis % rank and len(set(sizes) - {None}) > 1:
                raise ValueError(
                    f"Concatenate layer '{self.name}': inputs must have matching shapes except for the concatenation "
                    f"axis {self.axis}. Received: input_shape={shapes}"
                )

    def combine(self, tensors: list[Any]) -> Any:
        return ops.concatenate(tensors, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks one after another; True where any feature is kept."""
        masks = self._masks(inputs, mask)
        if all(item is None for item in masks):
            return None
        full = [
            ops.ones_like(tensor, dtype="bool") if item is None else _spread(item, tensor)
            for tensor, item in zip(inputs, masks, strict=True)
        ]
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1, keepdims=False)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _spread(mask: Any, tensor: Any) -> Any:
    """A mask of the tensor's shape, of one that may lack its last axes."""
    for _ in range(len(tensor.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, axis=-1)
    return ops.logical_or(mask, ops.zeros_like(tensor, dtype="bool"))
