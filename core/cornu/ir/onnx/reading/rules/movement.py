"""Reading what moves data."""

from __future__ import annotations

import numpy as np

from cornu.ir.dim import Dim, DimLike, at_least, floor_div, maximum, product
from cornu.ir.onnx.reading.constants import constant_array
from cornu.ir.onnx.reading.known import minimum
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value
from cornu.ir.types import is_float


def _reshape_to(r: GraphReader, x: Value, shape: tuple[DimLike, ...]) -> Value:
    return x if r.shape(x) == shape else r.b.Reshape(x, shape=shape)


@reads("Reshape")
def _reshape(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    source, target = r.shape(x), list(r.dims(node, 1, "shape") if node.has(1) else node.get("shape"))
    if not node.get("allowzero", 0):
        target = [source[i] if isinstance(dim, int) and dim == 0 else dim for i, dim in enumerate(target)]
    if -1 in target:
        others = product([dim for dim in target if dim != -1])
        rest = floor_div(product(list(source)), others) if others != 0 else 0
        target[target.index(-1)] = rest
    return _reshape_to(r, x, tuple(target))


@reads("Flatten")
def _flatten(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    shape = r.shape(x)
    axis = node.get("axis", 1)
    axis += len(shape) if axis < 0 else 0
    return _reshape_to(r, x, (product(shape[:axis]), product(shape[axis:])))


def _axes(r: GraphReader, node: OnnxNode, rank: int) -> tuple[int, ...] | None:
    """The axes of an operator that takes them as its second input, or as an attribute in older opsets."""
    axes = r.ints(node, 1, "axes") if node.has(1) else node.get("axes")
    return None if axes is None else tuple(node.on(axis, rank, "axes") for axis in axes)


@reads("Squeeze", "Unsqueeze")
def _squeeze(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    shape = r.shape(x)
    if node.op == "Squeeze":
        axes = _axes(r, node, len(shape))
        gone = axes if axes is not None else tuple(i for i, dim in enumerate(shape) if dim == 1)
        return _reshape_to(r, x, tuple(dim for i, dim in enumerate(shape) if i not in gone))
    count = len(r.ints(node, 1, "axes") if node.has(1) else node.get("axes"))
    new = _axes(r, node, len(shape) + count) or ()
    rest = iter(shape)
    return _reshape_to(r, x, tuple(1 if i in new else next(rest) for i in range(len(shape) + count)))


@reads("Transpose")
def _transpose(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    return r.b.Transpose(x, perm=node.get("perm", tuple(reversed(range(x.type.rank)))))  # type: ignore[no-any-return]


@reads("Expand")
def _expand(r: GraphReader, node: OnnxNode) -> Value:
    """Broadcasting in both directions: a 1 in the target keeps the input's size."""
    x = r.given(node, 0)
    shape, target = r.shape(x), r.dims(node, 1, "shape")
    rank = max(len(shape), len(target))
    source = (*(1,) * (rank - len(shape)), *shape)
    wanted = (*(1,) * (rank - len(target)), *target)
    return r.b.Expand(x, shape=tuple(have if want == 1 else want for have, want in zip(source, wanted, strict=True)))  # type: ignore[no-any-return]


_FAR = 1 << 31
"""Bounds beyond this mean the end of the axis, whatever its size."""


def _counted(bound: DimLike, size: DimLike, step: int) -> DimLike:
    """A bound of ONNX's Slice counted from the front, as if none needed clamping."""
    lowest, highest = (0, size) if step > 0 else (-1, size - 1)
    if isinstance(bound, Dim):
        return bound + size if at_least(-1, bound) else bound
    if abs(bound) >= _FAR:
        return lowest if bound < 0 else highest
    return size + bound if bound < 0 else bound


def _clamped(bound: DimLike, size: DimLike, step: int) -> DimLike:
    """A bound as ONNX clamps it; one that was computed from sizes is taken to be inside."""
    counted = _counted(bound, size, step)
    if isinstance(bound, Dim) or abs(bound) >= _FAR:
        return counted
    return maximum(counted, 0 if step > 0 else -1) if bound < 0 else minimum(counted, size if step > 0 else size - 1)


@reads("Slice")
def _slice(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    shape = r.shape(x)
    if "starts" in node.attributes:
        starts, ends = node.get("starts"), node.get("ends")
        axes, steps = node.get("axes", tuple(range(len(starts)))), (1,) * len(starts)
    else:
        starts, ends = r.dims(node, 1, "starts"), r.dims(node, 2, "ends")
        axes = r.ints(node, 3, "axes") if node.has(3) else tuple(range(len(starts)))
        steps = r.ints(node, 4, "steps") if node.has(4) else (1,) * len(starts)
    axes = tuple(node.on(axis, len(shape), "axes") for axis in axes)
    declared = r.declared.get(node.outputs[0])
    bounds = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape[axis]
        known = declared.shape[axis] if declared is not None and declared.rank == len(shape) else None
        unclamped = _counted(start, size, step), _counted(end, size, step)
        first, last = unclamped
        if known is None or maximum(-floor_div(first - last, step), 0) != known:
            first, last = _clamped(start, size, step), _clamped(end, size, step)
        bounds.append((first, last))
    return r.b.Slice(x, starts=tuple(s for s, _ in bounds), ends=tuple(e for _, e in bounds), axes=axes, steps=steps)  # type: ignore[no-any-return]


_FIRST_OF_PAD_INPUTS = 11
"""The opset from which pads are an input rather than an attribute."""


@reads("Pad")
def _pad(r: GraphReader, node: OnnxNode) -> Value:
    """Negative pads crop."""
    x = r.given(node, 0)
    rank, dtype = x.type.rank, x.dtype
    old = node.opset < _FIRST_OF_PAD_INPUTS
    pads = node.get("pads", node.get("paddings")) if old else r.dims(node, 1, "pads")
    axes = tuple(node.on(axis, rank, "axes") for axis in r.ints(node, 3, "axes")) if node.has(3) else tuple(range(rank))
    before: list[DimLike] = [0] * rank
    after: list[DimLike] = [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    value = node.get("value", 0.0) if old else r.number(node, 2, "constant_value", 0)
    for axis, size in enumerate(r.shape(x)):
        taken = before[axis] + after[axis] + size
        if isinstance(taken, int) and taken < 0:
            raise node.error(f"it takes more than the {size} elements of axis {axis}.")
    cropped = _cropped(r, x, before, after)
    grown = [tuple(0 if isinstance(pad, int) and pad < 0 else pad for pad in side) for side in (before, after)]
    if all(pad == 0 for side in grown for pad in side):
        return cropped
    mode = node.get("mode", "constant")
    value = float(value) if is_float(dtype) else value
    return r.b.Pad(cropped, before=grown[0], after=grown[1], value=value, mode=mode)  # type: ignore[no-any-return]


def _cropped(r: GraphReader, x: Value, before: list[DimLike], after: list[DimLike]) -> Value:
    def negative(pad: DimLike) -> int:
        return pad if isinstance(pad, int) and pad < 0 else 0

    shape = r.shape(x)
    axes = tuple(i for i in range(len(shape)) if negative(before[i]) or negative(after[i]))
    if not axes:
        return x
    starts = tuple(-negative(before[i]) for i in axes)
    ends = tuple(shape[i] + negative(after[i]) for i in axes)
    return r.b.Slice(x, starts=starts, ends=ends, axes=axes, steps=(1,) * len(axes))  # type: ignore[no-any-return]


@reads("Concat")
def _concat(r: GraphReader, node: OnnxNode) -> Value:
    values = r.all(node)
    return r.b.Concat(*values, axis=node.axis(values[0].type.rank, 1))  # type: ignore[no-any-return]


@reads("Split")
def _split(r: GraphReader, node: OnnxNode) -> tuple[Value, ...]:
    x = r.given(node, 0)
    axis = node.axis(x.type.rank, 0)
    if node.has(1):
        sizes = r.dims(node, 1, "split")
    elif "split" in node.attributes:
        sizes = node.get("split")
    else:
        total, count = r.shape(x)[axis], len(node.outputs)
        part = -floor_div(-total, count)
        sizes = (*(part,) * (count - 1), total - part * (count - 1))
    return r.b.emit("Split", (x,), {"axis": axis, "sizes": tuple(sizes)})


@reads("Tile")
def _tile(r: GraphReader, node: OnnxNode) -> Value:
    return r.b.Tile(r.given(node, 0), repeats=r.dims(node, 1, "repeats"))  # type: ignore[no-any-return]


@reads("Trilu")
def _trilu(r: GraphReader, node: OnnxNode) -> Value:
    k = r.ints(node, 1, "diagonal")[0] if node.has(1) else 0
    return r.b.Trilu(r.given(node, 0), upper=bool(node.get("upper", 1)), k=k)  # type: ignore[no-any-return]


@reads("Range")
def _range(r: GraphReader, node: OnnxNode) -> Value:
    (start,), (limit,) = r.dims(node, 0, "start"), r.dims(node, 1, "limit")
    (step,) = r.ints(node, 2, "delta")
    known = r.known(node.inputs[0])
    assert known is not None
    size = maximum(-floor_div(start - limit, step), 0)
    return r.b.Range(start=start, step=step, size=size, dtype=known.dtype)  # type: ignore[no-any-return]


@reads("ConstantOfShape")
def _constant_of_shape(r: GraphReader, node: OnnxNode) -> Value:
    value = node.get("value")
    array = np.zeros(1, np.float32) if value is None else constant_array(value)
    return r.b.Expand(r.b.constant(array.reshape(())), shape=r.dims(node, 0, "shape"))  # type: ignore[no-any-return]


@reads("DepthToSpace", "SpaceToDepth")
def _depth_to_space(r: GraphReader, node: OnnxNode) -> Value:
    x, size = r.given(node, 0), node.get("blocksize")
    n, c, h, w = r.shape(x)
    if node.op == "SpaceToDepth":
        split = r.b.Reshape(x, shape=(n, c, h // size, size, w // size, size))
        perm = (0, 3, 5, 1, 2, 4) if node.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
        moved = r.b.Transpose(split, perm=perm)
        return r.b.Reshape(moved, shape=(n, c * size * size, h // size, w // size))  # type: ignore[no-any-return]
    inner = c // (size * size)
    if node.get("mode", "DCR") == "DCR":
        split, perm = r.b.Reshape(x, shape=(n, size, size, inner, h, w)), (0, 3, 4, 1, 5, 2)
    else:
        split, perm = r.b.Reshape(x, shape=(n, inner, size, size, h, w)), (0, 1, 4, 2, 5, 3)
    return r.b.Reshape(r.b.Transpose(split, perm=perm), shape=(n, inner, h * size, w * size))  # type: ignore[no-any-return]
