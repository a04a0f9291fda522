"""Reading and writing at indices that are tensors.

Indices are int32 or int64; a negative one counts from the end. Every index must lie in `[-size, size)`: a backend may
do as it likes with others (ONNX Runtime raises). The reference kernels clamp them where they read and leave such
elements out where they write, so that a gradient is still finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import product
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_axes, check_dtype, require_equal, same_dtype
from cornu.ir.types import DTYPES, NUMBERS, TensorType, is_float

INDEX_TYPES = ("int32", "int64")
REDUCTIONS = ("none", "add", "mul", "max", "min")


def _clamped(indices: np.ndarray, size: int) -> np.ndarray:
    wide = indices.astype(np.int64)
    return np.clip(np.where(wide < 0, wide + size, wide), 0, max(size - 1, 0))


def _inside(indices: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices counted from the front, and which of them exist."""
    wide = indices.astype(np.int64)
    wide = np.where(wide < 0, wide + size, wide)
    return wide, (wide >= 0) & (wide < size)


# -- reading -------------------------------------------------------------------------------------------------------


def _infer_gather(x: TensorType, indices: TensorType, axis: int) -> TensorType:
    """`x` at `indices` along one axis: the axis is replaced by all axes of `indices`.

    Shape: `x.shape[:axis] + indices.shape + x.shape[axis + 1 :]`.
    """
    check_dtype(indices, INDEX_TYPES, "Gather's indices")
    check_axes((axis,), x.rank, "Gather")
    return TensorType(x.dtype, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _gather(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    return np.take(x, _clamped(indices, x.shape[axis]), axis)


def _gather_vjp(b: Builder, node: Node, g: Value) -> tuple[Value, None]:
    x, indices = node.inputs
    axis, rank = node.attributes["axis"], indices.type.rank
    moved = (*range(axis, axis + rank), *range(axis), *range(axis + rank, g.type.rank))
    updates = b.Transpose(g, perm=moved) if axis and rank else g
    shape = b.resolve_type(x.type).shape
    order = (axis, *(i for i in range(x.type.rank) if i != axis))
    zeros = b.zeros(TensorType(x.dtype, tuple(shape[i] for i in order)))
    places = b.Reshape(indices, shape=(*b.resolve_type(indices.type).shape, 1))
    total = b.ScatterND(zeros, places, updates, reduction="add")
    return (b.Transpose(total, perm=tuple(order.index(i) for i in range(len(order)))) if axis else total), None


register(Primitive("Gather", _infer_gather, _gather, _gather_vjp))


def _check_elements(x: TensorType, indices: TensorType, axis: int, what: str) -> None:
    check_dtype(indices, INDEX_TYPES, f"{what}'s indices")
    check_axes((axis,), x.rank, what)
    if indices.rank != x.rank:
        raise ValueError(f"{what}'s indices have as many axes as its data, got {indices} and {x}.")
    for i, (left, right) in enumerate(zip(indices.shape, x.shape, strict=True)):
        if i != axis:
            require_equal(left, right, f"{what} along axis {axis} of {x} at {indices}")


def _infer_gather_elements(x: TensorType, indices: TensorType, axis: int) -> TensorType:
    """`y[i, j] = x[indices[i, j], j]` for axis 0: the sizes of all other axes agree.

    Shape: that of `indices`.
    """
    _check_elements(x, indices, axis, "GatherElements")
    return TensorType(x.dtype, indices.shape)


def _gather_elements(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    return np.take_along_axis(x, _clamped(indices, x.shape[axis]), axis)


def _gather_elements_vjp(b: Builder, node: Node, g: Value) -> tuple[Value, None]:
    x, indices = node.inputs
    zeros = b.zeros(b.resolve_type(x.type))
    return b.ScatterElements(zeros, indices, g, axis=node.attributes["axis"], reduction="add"), None


def _places(b: Builder, indices: Value, axis: int) -> Value:
    """The whole place of each element: its index along `axis`, and where it stands along the others."""
    shape = b.resolve_type(indices.type).shape
    rank = len(shape)
    parts = []
    for i, size in enumerate(shape):
        part = indices
        if i != axis:
            line = b.Range(start=0, step=1, size=size, dtype=indices.dtype)
            part = b.Expand(b.Reshape(line, shape=(size, *(1,) * (rank - i - 1))), shape=shape)
        parts.append(b.Reshape(part, shape=(*shape, 1)))
    return b.Concat(*parts, axis=rank)  # type: ignore[no-any-return]


def _gather_elements_decompose(b: Builder, node: Node) -> tuple[Value]:
    x, indices = node.inputs
    return (b.GatherND(x, _places(b, indices, node.attributes["axis"])),)


register(
    Primitive(
        "GatherElements", _infer_gather_elements, _gather_elements, _gather_elements_vjp, _gather_elements_decompose
    )
)


def _depth(x: TensorType, indices: TensorType, what: str) -> int:
    """How many axes of `x` each index names."""
    check_dtype(indices, INDEX_TYPES, f"{what}'s indices")
    depth = indices.shape[-1] if indices.rank else 0
    if not isinstance(depth, int) or not 1 <= depth <= x.rank:
        raise ValueError(f"{what}'s indices end in an axis of 1 to {x.rank} elements for {x}, got {indices}.")
    return depth


def _infer_gather_nd(x: TensorType, indices: TensorType) -> TensorType:
    """`y[i] = x[indices[i, 0], indices[i, 1], ...]`: the last axis of `indices` holds a position in `x`.

    Shape: `indices.shape[:-1] + x.shape[indices.shape[-1] :]`.
    """
    depth = _depth(x, indices, "GatherND")
    return TensorType(x.dtype, (*indices.shape[:-1], *x.shape[depth:]))


def _gather_nd(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    place = tuple(_clamped(indices[..., i], x.shape[i]) for i in range(indices.shape[-1]))
    return np.asarray(x[place])


def _gather_nd_vjp(b: Builder, node: Node, g: Value) -> tuple[Value, None]:
    x, indices = node.inputs
    return b.ScatterND(b.zeros(b.resolve_type(x.type)), indices, g, reduction="add"), None


def _gather_nd_decompose(b: Builder, node: Node) -> tuple[Value]:
    """The indexed axes as one, of whose elements each position names one."""
    x, indices = node.inputs
    shape, kept = b.resolve_type(x.type).shape, b.resolve_type(indices.type).shape[:-1]
    depth = indices.type.rank and indices.type.shape[-1]
    assert isinstance(depth, int)
    parts = b.emit("Split", (b.Cast(indices, to="int64"),), {"axis": len(kept), "sizes": (1,) * depth})
    place = b.constant(0, "int64")
    for part, size in zip(parts, shape, strict=False):
        count = b.DimValue(size=size)
        place = b.Add(b.Mul(place, count), b.Where(b.Less(part, 0), b.Add(part, count), part))
    flat = b.Reshape(x, shape=(product(shape[:depth]), *shape[depth:]))
    return (b.Gather(flat, b.Reshape(place, shape=kept), axis=0),)


register(Primitive("GatherND", _infer_gather_nd, _gather_nd, _gather_nd_vjp, _gather_nd_decompose))


# -- writing -------------------------------------------------------------------------------------------------------


def _check_scatter(data: TensorType, updates: TensorType, reduction: str, what: str) -> None:
    same_dtype((data, updates), what)
    if reduction not in REDUCTIONS:
        raise ValueError(f"{what}'s reduction is one of {', '.join(REDUCTIONS)}, got {reduction!r}.")
    check_dtype(data, DTYPES if reduction == "none" else NUMBERS, what)


def _infer_scatter_elements(
    data: TensorType, indices: TensorType, updates: TensorType, axis: int, reduction: str
) -> TensorType:
    """A copy of `data` where `y[indices[i, j], j]` is set to, or combined with, `updates[i, j]` (for axis 0).

    With the reduction `none`, which of several updates to one element stays is not specified.

    Shape: that of `data`.
    """
    _check_elements(data, indices, axis, "ScatterElements")
    _check_scatter(data, updates, reduction, "ScatterElements")
    if updates.rank != indices.rank:
        raise ValueError(f"ScatterElements takes an update for each index, got {updates} and {indices}.")
    for left, right in zip(updates.shape, indices.shape, strict=True):
        require_equal(left, right, f"ScatterElements of {updates} at {indices}")
    return data


def _infer_scatter_nd(data: TensorType, indices: TensorType, updates: TensorType, reduction: str) -> TensorType:
    """A copy of `data` where `y[indices[i, 0], indices[i, 1], ...]` is set to, or combined with, `updates[i]`.

    With the reduction `none`, which of several updates to one element stays is not specified.

    Shape: that of `data`.
    """
    depth = _depth(data, indices, "ScatterND")
    _check_scatter(data, updates, reduction, "ScatterND")
    expected = (*indices.shape[:-1], *data.shape[depth:])
    if updates.rank != len(expected):
        raise ValueError(f"ScatterND of {data} at {indices} takes updates of rank {len(expected)}, got {updates}.")
    for left, right in zip(updates.shape, expected, strict=True):
        require_equal(left, right, f"ScatterND of {updates} into {data} at {indices}")
    return data


def _write(data: np.ndarray, place: tuple[np.ndarray, ...], updates: np.ndarray, reduction: str) -> np.ndarray:
    functions = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
    result = data.copy()
    if reduction == "none":
        result[place] = updates
    else:
        with np.errstate(all="ignore"):
            functions[reduction].at(result, place, updates)
    return result


def _scatter_elements(
    data: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int, reduction: str
) -> np.ndarray:
    found, exist = _inside(indices, data.shape[axis])
    place = list(np.nonzero(exist))
    place[axis] = found[exist]
    return _write(data, tuple(place), updates[exist], reduction)


def _scatter_nd(data: np.ndarray, indices: np.ndarray, updates: np.ndarray, reduction: str) -> np.ndarray:
    found, exist = zip(*(_inside(indices[..., i], data.shape[i]) for i in range(indices.shape[-1])), strict=True)
    keep = np.logical_and.reduce(exist)
    return _write(data, tuple(index[keep] for index in found), updates[keep], reduction)


Read = Callable[[Builder, Value], Value]
Write = Callable[[Builder, Value, Value, str], Value]


def _scatter_rule(b: Builder, node: Node, g: Value, read: Read, write: Write) -> Sequence[Value | None]:
    """The gradients of both scatters: `read` takes elements at the node's indices, `write` puts them there."""
    data, _, updates = node.inputs
    reduction = node.attributes["reduction"]
    if not is_float(data.dtype):
        return [None, None, None]
    if reduction == "add":
        return [g, None, read(b, g)]
    if reduction == "none":
        return [write(b, g, b.zeros(b.resolve_type(updates.type)), "none"), None, read(b, g)]
    if reduction == "mul":
        return [write(b, g, updates, "mul"), None, _others_product(b, data, updates, g, read, write)]
    result = node.outputs[0]
    stayed = b.Cast(b.Equal(data, result), to=data.dtype)
    came = b.Cast(b.Equal(updates, read(b, result)), to=data.dtype)
    share = b.Div(g, write(b, stayed, came, "add"))
    return [b.Mul(stayed, share), None, b.Mul(came, read(b, share))]


def _others_product(b: Builder, data: Value, updates: Value, g: Value, read: Read, write: Write) -> Value:
    """For each update, `g` times the product of everything else at its element: right where updates are 0, too."""
    is_zero = b.Equal(updates, 0)
    zero = b.Cast(is_zero, to=data.dtype)
    divisor = b.Where(is_zero, b.constant(1, data.dtype), updates)
    product = b.Mul(g, write(b, data, divisor, "mul"))
    zeros = write(b, b.zeros(b.resolve_type(data.type)), zero, "add")
    other_zeros = b.Sub(read(b, zeros), zero)
    alone = b.Cast(b.Equal(other_zeros, 0), to=data.dtype)
    return b.Mul(alone, b.Div(read(b, product), divisor))  # type: ignore[no-any-return]


def _scatter_elements_vjp(b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
    indices, axis = node.inputs[1], node.attributes["axis"]
    return _scatter_rule(
        b,
        node,
        g,
        read=lambda b, x: b.GatherElements(x, indices, axis=axis),
        write=lambda b, x, u, reduction: b.ScatterElements(x, indices, u, axis=axis, reduction=reduction),
    )


def _scatter_nd_vjp(b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
    indices = node.inputs[1]
    return _scatter_rule(
        b,
        node,
        g,
        read=lambda b, x: b.GatherND(x, indices),
        write=lambda b, x, u, reduction: b.ScatterND(x, indices, u, reduction=reduction),
    )


def _scatter_elements_decompose(b: Builder, node: Node) -> tuple[Value]:
    data, indices, updates = node.inputs
    places = _places(b, indices, node.attributes["axis"])
    return (b.ScatterND(data, places, updates, reduction=node.attributes["reduction"]),)


register(
    Primitive(
        "ScatterElements",
        _infer_scatter_elements,
        _scatter_elements,
        _scatter_elements_vjp,
        _scatter_elements_decompose,
    )
)
register(Primitive("ScatterND", _infer_scatter_nd, _scatter_nd, _scatter_nd_vjp))
