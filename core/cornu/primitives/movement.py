"""Making and moving data: constants, sizes, ranges, reshaping, slicing, padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, ceil_div, maximum, product
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import broadcast_shapes, check_axes, require_equal, show_shape
from cornu.ir.types import Shape, TensorType, dtype_name, numpy_dtype
from cornu.primitives.elementwise import sum_to

Dims = tuple[DimLike, ...]


def _infer_constant(*, value: np.ndarray) -> TensorType:
    """Shape: that of `value`."""
    return TensorType(dtype_name(value.dtype), value.shape)


def _infer_dim_value(*, size: DimLike) -> TensorType:
    """Shape: a scalar."""
    return TensorType("int64", ())


register(Primitive("Constant", _infer_constant, lambda value: value))
register(Primitive("DimValue", _infer_dim_value, lambda size: np.asarray(size, np.int64)))


def _infer_range(*, start: DimLike, step: int, size: DimLike, dtype: str) -> TensorType:
    """Shape: one axis of `size`."""
    numpy_dtype(dtype)
    return TensorType(dtype, (size,))


def _range(start: int, step: int, size: int, dtype: str) -> np.ndarray:
    return (start + step * np.arange(size)).astype(numpy_dtype(dtype))


register(Primitive("Range", _infer_range, _range))


# -- the same elements in another shape ----------------------------------------------------------------------------


def _infer_reshape(x: TensorType, shape: Dims) -> TensorType:
    """Shape: `shape`, which holds as many elements."""
    require_equal(x.size, product(shape), f"Reshape from {show_shape(x.shape)} to {show_shape(shape)}")
    return TensorType(x.dtype, tuple(shape))


def _reshape_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    return (b.Reshape(g, shape=b.resolve_type(node.inputs[0].type).shape),)


register(Primitive("Reshape", _infer_reshape, lambda x, shape: x.reshape(shape), _reshape_vjp))


def _infer_transpose(x: TensorType, perm: tuple[int, ...]) -> TensorType:
    """Shape: the sizes in the order of `perm`."""
    if sorted(perm) != list(range(x.rank)):
        raise ValueError(f"Transpose's perm {perm} is not an order of the {x.rank} axes of {x}.")
    return TensorType(x.dtype, tuple(x.shape[axis] for axis in perm))


def _transpose_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    perm = node.attributes["perm"]
    return (b.Transpose(g, perm=tuple(perm.index(axis) for axis in range(len(perm)))),)


register(Primitive("Transpose", _infer_transpose, lambda x, perm: np.transpose(x, perm), _transpose_vjp))


def _infer_expand(x: TensorType, shape: Dims) -> TensorType:
    """Shape: `shape`, to which `x` broadcasts."""
    if x.rank > len(shape):
        raise ValueError(f"Expand cannot take axes away: {x} to {show_shape(shape)}.")
    result = broadcast_shapes(x.shape, tuple(shape), what="Expand")
    for have, want in zip(result, shape, strict=True):
        require_equal(have, want, f"Expand from {show_shape(x.shape)} to {show_shape(shape)}")
    return TensorType(x.dtype, tuple(shape))


def _expand_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    return (sum_to(b, g, node.inputs[0].shape),)


register(Primitive("Expand", _infer_expand, lambda x, shape: np.broadcast_to(x, shape), _expand_vjp))


# -- parts ---------------------------------------------------------------------------------------------------------


def _slice_size(start: DimLike, end: DimLike, step: int) -> DimLike:
    # A symbolic size is taken at its word: a maximum with 0 would make it differ from equal sizes computed elsewhere.
    size = ceil_div(end - start, step)
    return max(size, 0) if isinstance(size, int) else size


def _infer_slice(x: TensorType, starts: Dims, ends: Dims, axes: tuple[int, ...], steps: tuple[int, ...]) -> TensorType:
    """Exact bounds, as Python's `range`: the end of a negative step may be -1, and nothing is clamped.

    A symbolic end must not lie before its start when the program runs: callers write `maximum(start, end)`.

    Shape: `ceil((end - start) / step)` along each of `axes`.
    """
    check_axes(axes, x.rank, "Slice")
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ValueError("Slice takes as many starts, ends and steps as axes.")
    shape = list(x.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step == 0:
            raise ValueError("Slice's step must not be 0.")
        low, high = (start, end) if step > 0 else (end + 1, start + 1)
        if isinstance(low, int) and low < 0:
            raise ValueError(f"Slice: [{start}:{end}:{step}] leaves axis {axis} of {x}.")
        over = high - x.shape[axis]
        if isinstance(over, int) and over > 0:
            raise ValueError(f"Slice: [{start}:{end}:{step}] leaves axis {axis} of {x}.")
        shape[axis] = _slice_size(start, end, step)
    return TensorType(x.dtype, tuple(shape))


def _slice(
    x: np.ndarray, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int]
) -> np.ndarray:
    index: list[slice] = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        empty = (end - start) * step <= 0
        index[axis] = slice(0, 0) if empty else slice(start, None if end < 0 else end, step)
    return x[tuple(index)]


def _slice_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    x = b.resolve_type(node.inputs[0].type)
    a = node.attributes
    reversed_axes = tuple(axis for axis, step in zip(a["axes"], a["steps"], strict=True) if step < 0)
    g = flip(b, g, reversed_axes)
    before: list[DimLike] = [0] * x.rank
    after: list[DimLike] = [0] * x.rank
    gaps = [0] * x.rank
    taken = b.resolve_type(g.type).shape
    for start, axis, step in zip(a["starts"], a["axes"], a["steps"], strict=True):
        stride = abs(step)
        first = start if step > 0 else start - (taken[axis] - 1) * stride
        before[axis] = first
        gaps[axis] = stride - 1
        after[axis] = x.shape[axis] - first - dilated(taken[axis], stride)
    g = dilate(b, g, tuple(gaps))
    return (b.Pad(g, before=tuple(before), after=tuple(after), value=0.0, mode="constant"),)


def dilated(size: DimLike, stride: int) -> DimLike:
    """The size of an axis after `stride - 1` zeros come between its elements."""
    return size if stride == 1 else maximum((size - 1) * stride + 1, 0)


def dilate(b: Builder, x: Value, gaps: tuple[int, ...]) -> Value:
    """Puts `gaps[axis]` zeros between neighbours along every axis: `a b c` with a gap of 1 is `a 0 b 0 c`."""
    for axis, gap in enumerate(gaps):
        if gap:
            size = b.resolve_type(x.type).shape[axis]
            spread = zero_stuffed(b, x, axis, gap)
            x = b.Slice(spread, starts=(0,), ends=(dilated(size, gap + 1),), axes=(axis,), steps=(1,))
    return x


def zero_stuffed(b: Builder, x: Value, axis: int, gap: int) -> Value:
    """Puts `gap` zeros behind every element along an axis: `a b c` with a gap of 1 is `a 0 b 0 c 0`."""
    shape = b.resolve_type(x.type).shape
    column = b.Reshape(x, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
    after = tuple(gap if i == axis + 1 else 0 for i in range(len(shape) + 1))
    padded = b.Pad(column, before=(0,) * len(after), after=after, value=0.0, mode="constant")
    stuffed: Value = b.Reshape(padded, shape=(*shape[:axis], shape[axis] * (gap + 1), *shape[axis + 1 :]))
    return stuffed


def flip(b: Builder, x: Value, axes: tuple[int, ...]) -> Value:
    """The elements in reverse order along `axes`."""
    if not axes:
        return x
    shape = b.resolve_type(x.type).shape
    starts = tuple(shape[axis] - 1 for axis in axes)
    flipped: Value = b.Slice(x, starts=starts, ends=(-1,) * len(axes), axes=axes, steps=(-1,) * len(axes))
    return flipped


register(Primitive("Slice", _infer_slice, _slice, _slice_vjp))

PAD_MODES = ("constant", "reflect", "edge")


def _infer_pad(x: TensorType, before: Dims, after: Dims, value: float, mode: str) -> TensorType:
    """Shape: each size plus its pads."""
    if len(before) != x.rank or len(after) != x.rank:
        raise ValueError(f"Pad takes a pad before and after each of the {x.rank} axes of {x}.")
    if mode not in PAD_MODES:
        raise ValueError(f"Pad's mode is one of {', '.join(PAD_MODES)}, got {mode!r}.")
    if mode == "reflect":
        for pad, size in zip((*before, *after), (*x.shape, *x.shape), strict=True):
            if isinstance(pad, int) and isinstance(size, int) and pad >= max(size, 1):
                raise ValueError(f"Pad cannot reflect {pad} elements of an axis of {size} (of {x}).")
    for pad in (*before, *after):
        if isinstance(pad, int) and pad < 0:
            raise ValueError(f"Pad does not crop, got before={before}, after={after}.")
    return TensorType(x.dtype, tuple(b + d + a for b, d, a in zip(before, x.shape, after, strict=True)))


def _pad(x: np.ndarray, before: Sequence[int], after: Sequence[int], value: float, mode: str) -> np.ndarray:
    widths = list(zip(before, after, strict=True))
    if mode == "constant":
        return np.pad(x, widths, mode="constant", constant_values=x.dtype.type(value))
    return np.pad(x, widths, mode=mode)  # type: ignore[call-overload,no-any-return]


def _pad_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    a = node.attributes
    shape = b.resolve_type(node.inputs[0].type).shape
    if a["mode"] != "constant":
        return (_fold_edges(b, g, shape, a["before"], a["after"], a["mode"]),)
    axes = tuple(i for i in range(len(shape)) if a["before"][i] != 0 or a["after"][i] != 0)
    starts = tuple(a["before"][i] for i in axes)
    ends = tuple(a["before"][i] + shape[i] for i in axes)
    return (b.Slice(g, starts=starts, ends=ends, axes=axes, steps=(1,) * len(axes)),)


def _fold_edges(b: Builder, g: Value, shape: Shape, before: Dims, after: Dims, mode: str) -> Value:
    """Adds the cotangents of padded elements to the elements that they repeat, axis by axis."""
    for axis, (front, size, back) in enumerate(zip(before, shape, after, strict=True)):
        if front == 0 and back == 0:
            continue
        row = b.Range(start=0, step=1, size=size, dtype="int64")
        source = b.Pad(row, before=(front,), after=(back,), value=0, mode=mode)
        repeats = b.Equal(b.Reshape(source, shape=(front + size + back, 1)), b.Reshape(row, shape=(1, size)))
        selected = b.Cast(repeats, to=g.dtype)
        here = b.resolve_type(g.type).shape
        order = (*(i for i in range(len(here)) if i != axis), axis)
        others = tuple(here[i] for i in order[:-1])
        rows = b.Reshape(b.Transpose(g, perm=order), shape=(product(others), front + size + back))
        moved = b.Reshape(b.MatMul(rows, selected), shape=(*others, size))
        g = b.Transpose(moved, perm=tuple(order.index(i) for i in range(len(here))))
    return g


register(Primitive("Pad", _infer_pad, _pad, _pad_vjp))
