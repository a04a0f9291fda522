"""Joining, splitting and repeating tensors, and taking triangles of matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_axes, check_dtype, require_equal, same_dtype, show_shape
from cornu.ir.types import NUMBERS, TensorType

Dims = tuple[DimLike, ...]


def _infer_concat(*types: TensorType, axis: int) -> TensorType:
    """Shape: the sum of the sizes along `axis`; the other sizes agree."""
    dtype = same_dtype(types, "Concat")
    first = types[0]
    check_axes((axis,), first.rank, "Concat")
    total: DimLike = 0
    for type in types:
        if type.rank != first.rank:
            raise ValueError(f"Concat takes tensors of one rank, got {first} and {type}.")
        for i, (left, right) in enumerate(zip(first.shape, type.shape, strict=True)):
            if i != axis:
                require_equal(left, right, f"Concat along axis {axis} of {first} and {type}")
        total = total + type.shape[axis]
    return TensorType(dtype, (*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _concat_vjp(b: Builder, node: Node, g: Value) -> Sequence[Value]:
    axis = node.attributes["axis"]
    return b.emit("Split", (g,), {"axis": axis, "sizes": tuple(b.resolve(v.shape[axis]) for v in node.inputs)})


def _infer_split(x: TensorType, axis: int, sizes: Dims) -> tuple[TensorType, ...]:
    """Shape: one result for each of `sizes`, which add up to the size of `axis`."""
    check_axes((axis,), x.rank, "Split")
    total: DimLike = 0
    for size in sizes:
        total = total + size
    require_equal(x.shape[axis], total, f"Split of axis {axis} of {x} into {show_shape(sizes)}")
    return tuple(TensorType(x.dtype, (*x.shape[:axis], size, *x.shape[axis + 1 :])) for size in sizes)


def _split(x: np.ndarray, axis: int, sizes: Sequence[int]) -> list[np.ndarray]:
    return list(np.split(x, np.cumsum(sizes)[:-1], axis=axis))


def _split_vjp(b: Builder, node: Node, *gs: Value) -> tuple[Value]:
    return (b.Concat(*gs, axis=node.attributes["axis"]),)


def _split_decompose(b: Builder, node: Node) -> list[Value]:
    axis, start, parts = node.attributes["axis"], 0, []
    for size in node.attributes["sizes"]:
        end = start + size
        parts.append(b.Slice(node.inputs[0], starts=(start,), ends=(end,), axes=(axis,), steps=(1,)))
        start = end
    return parts


register(Primitive("Concat", _infer_concat, lambda *xs, axis: np.concatenate(xs, axis), _concat_vjp))
register(Primitive("Split", _infer_split, _split, _split_vjp, _split_decompose))


def _infer_tile(x: TensorType, repeats: Dims) -> TensorType:
    """Shape: each size times its repeat."""
    if len(repeats) != x.rank:
        raise ValueError(f"Tile takes a repeat for each of the {x.rank} axes of {x}, got {show_shape(repeats)}.")
    return TensorType(x.dtype, tuple(dim * repeat for dim, repeat in zip(x.shape, repeats, strict=True)))


def _tile_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    shape = b.resolve_type(node.inputs[0].type).shape
    repeats = node.attributes["repeats"]
    split = tuple(size for pair in zip(repeats, shape, strict=True) for size in pair)
    return (b.ReduceSum(b.Reshape(g, shape=split), axes=tuple(range(0, 2 * len(shape), 2)), keepdims=False),)


def _tile_decompose(b: Builder, node: Node) -> tuple[Value]:
    shape = b.resolve_type(node.inputs[0].type).shape
    pairs = list(zip(node.attributes["repeats"], shape, strict=True))
    columns = b.Reshape(node.inputs[0], shape=tuple(dim for _, size in pairs for dim in (1, size)))
    stretched = b.Expand(columns, shape=tuple(dim for pair in pairs for dim in pair))
    return (b.Reshape(stretched, shape=tuple(repeat * size for repeat, size in pairs)),)


register(Primitive("Tile", _infer_tile, lambda x, repeats: np.tile(x, repeats), _tile_vjp, _tile_decompose))


def _infer_triangle(x: TensorType, upper: bool, k: int) -> TensorType:
    """Shape: that of `x`."""
    check_dtype(x, ("bool", *NUMBERS), "Trilu")
    if x.rank < 2:
        raise ValueError(f"Trilu takes matrices, got {x}.")
    return x


def _triangle(x: np.ndarray, upper: bool, k: int) -> np.ndarray:
    return np.triu(x, k) if upper else np.tril(x, k)


def _triangle_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    return (b.Trilu(g, **node.attributes),)


def _triangle_decompose(b: Builder, node: Node) -> tuple[Value]:
    x, a = node.inputs[0], node.attributes
    rows, columns = b.resolve_type(x.type).shape[-2:]
    row = b.Reshape(b.Range(start=a["k"], step=1, size=rows, dtype="int64"), shape=(rows, 1))
    column = b.Range(start=0, step=1, size=columns, dtype="int64")
    inside = b.GreaterOrEqual(column, row) if a["upper"] else b.LessOrEqual(column, row)
    return (b.Where(inside, x, b.constant(0, x.dtype)),)


register(Primitive("Trilu", _infer_triangle, _triangle, _triangle_vjp, _triangle_decompose))
