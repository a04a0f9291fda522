"""Sliding windows along an axis: their number, their elements, and the adjoint of taking them.

The window at output position `p` of an axis holds the elements `p * stride + i * dilation` for `i` in `range(kernel)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, floor_div
from cornu.ir.program import Value
from cornu.ir.types import TensorType
from cornu.primitives.movement import dilate, dilated

Ints = tuple[int, ...]


def window_extent(kernel: DimLike, dilation: int) -> DimLike:
    """How many positions a window spans: `(kernel - 1) * dilation + 1`."""
    return (kernel - 1) * dilation + 1


def window_count(size: DimLike, kernel: DimLike, stride: int, dilation: int, what: str) -> DimLike:
    """How many windows fit: `floor((size - extent) / stride) + 1`.

    Raises:
        ValueError: If not one fits.
    """
    rest = size - window_extent(kernel, dilation)
    if isinstance(rest, int) and rest < 0:
        raise ValueError(f"{what}: a window of {window_extent(kernel, dilation)} does not fit into an axis of {size}.")
    return floor_div(rest, stride) + 1


def check_spatial(x: TensorType, what: str, **per_axis: Sequence[int]) -> None:
    """Checks that `x` has 1 to 3 spatial axes, and each attribute one positive integer for each of them.

    Raises:
        ValueError: If not.
    """
    if not 3 <= x.rank <= 5:
        raise ValueError(f"{what} takes [batch, channels, *spatial] with 1 to 3 spatial axes, got {x}.")
    for name, values in per_axis.items():
        if len(values) != x.rank - 2 or any(value < 1 for value in values):
            raise ValueError(f"{what}'s {name} are {x.rank - 2} positive integers for {x}, got {tuple(values)}.")


def disjoint(kernel: int, stride: int, dilation: int) -> bool:
    """True where the windows tile the axis without gaps."""
    return kernel == stride and (dilation == 1 or kernel == 1)


def take_windows(b: Builder, x: Value, axis: int, kernel: int, stride: int, dilation: int) -> list[Value]:
    """The i-th element of every window along `axis`, for each i: `kernel` tensors."""
    shape = b.resolve_type(x.type).shape
    count = window_count(shape[axis], kernel, stride, dilation, "A window")
    if disjoint(kernel, stride, dilation):
        whole = _slice(b, x, axis, 0, count * kernel, 1)
        tiles = b.Reshape(whole, shape=(*shape[:axis], count, kernel, *shape[axis + 1 :]))
        columns = b.emit("Split", (tiles,), {"axis": axis + 1, "sizes": (1,) * kernel})
        return [b.Reshape(column, shape=(*shape[:axis], count, *shape[axis + 1 :])) for column in columns]
    starts = [i * dilation for i in range(kernel)]
    return [_slice(b, x, axis, start, start + (count - 1) * stride + 1, stride) for start in starts]


def put_windows(b: Builder, parts: Sequence[Value], size: DimLike, axis: int, stride: int, dilation: int) -> Value:
    """The adjoint of `take_windows`: adds every window's elements into an axis of `size`."""
    shape = b.resolve_type(parts[0].type).shape
    count = shape[axis]
    if disjoint(len(parts), stride, dilation):
        columns = [b.Reshape(part, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :])) for part in parts]
        filled = count * len(parts)
        merged = b.Reshape(b.Concat(*columns, axis=axis + 1), shape=(*shape[:axis], filled, *shape[axis + 1 :]))
        return pad_axis(b, merged, axis, 0, size - filled)
    gaps = tuple(stride - 1 if i == axis else 0 for i in range(len(shape)))
    total: Value | None = None
    for i, part in enumerate(parts):
        placed = pad_axis(b, dilate(b, part, gaps), axis, i * dilation, size - i * dilation - dilated(count, stride))
        total = placed if total is None else b.Add(total, placed)
    assert total is not None
    return total


def pad_axis(b: Builder, x: Value, axis: int, before: DimLike, after: DimLike, value: float = 0.0) -> Value:
    """`x` with `value` before and after its elements along one axis."""
    if before == 0 and after == 0:
        return x
    rank = x.type.rank
    befores = tuple(before if i == axis else 0 for i in range(rank))
    afters = tuple(after if i == axis else 0 for i in range(rank))
    padded: Value = b.Pad(x, before=befores, after=afters, value=value, mode="constant")
    return padded


def _slice(b: Builder, x: Value, axis: int, start: DimLike, end: DimLike, step: int) -> Value:
    if start == 0 and step == 1 and end == b.resolve_type(x.type).shape[axis]:
        return x
    part: Value = b.Slice(x, starts=(start,), ends=(end,), axes=(axis,), steps=(step,))
    return part


def window_slices(x: np.ndarray, axis: int, kernel: int, stride: int, dilation: int) -> list[np.ndarray]:
    """`take_windows` for the reference kernels: views."""
    count = (x.shape[axis] - (kernel - 1) * dilation - 1) // stride + 1
    index: list[slice] = [slice(None)] * x.ndim
    views = []
    for i in range(kernel):
        index[axis] = slice(i * dilation, i * dilation + (count - 1) * stride + 1, stride)
        views.append(x[tuple(index)])
    return views
