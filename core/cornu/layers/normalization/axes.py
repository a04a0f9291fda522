"""The axes that a layer normalizes over."""

from __future__ import annotations

from typing import Any

from cornu.layers.layer import Layer
from cornu.layers.settings import last_size


def as_axes(axis: Any, layer: str) -> int | list[int]:
    """An axis, or a list of them.

    Raises:
        TypeError: If it is neither.
    """
    if _is_axis(axis):
        return int(axis)
    if isinstance(axis, (list, tuple)) and axis and all(_is_axis(item) for item in axis):
        return [int(item) for item in axis]
    raise TypeError(f"{layer}: `axis` must be an integer or a list or tuple of integers, got {axis!r}.")


def _is_axis(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def sizes_of_axes(layer: Layer, axis: int | list[int], input_shape: Any) -> tuple[int, ...]:
    """The sizes of the axes that a layer normalizes over.

    Raises:
        ValueError: If the input has no such axis, or its size is free, or an axis is named twice.
    """
    axes = axis if isinstance(axis, list) else [axis]
    kind, rank = type(layer).__name__, len(input_shape)
    if any(not -rank <= item < rank for item in axes) or len({item % rank for item in axes}) != len(axes):
        raise ValueError(
            f"{kind} layer '{layer.name}': `axis={axis}` does not name different axes of the input shape "
            f"{tuple(input_shape)}."
        )
    return tuple(last_size(input_shape, kind, layer.name, item) for item in axes)
