"""Norms and what else of linear algebra is made of ordinary operations."""

from __future__ import annotations

from typing import Any

from cornu.ops.arguments import all_axes, emit, float_tensor, permute, sizes, with_shape
from cornu.ops.operation import op
from cornu.ops.reductions import reduce
from cornu.tracing.tensor import Tensor, convert


@op("Norm", module="linalg")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors (along one axis) or of matrices (along two).

    Args:
        x: A tensor.
        ord: Of vectors a number or ±inf: `sum(|x|^ord)^(1/ord)`, 0 for the count of non-zeros; of matrices "fro", ±1
            and ±inf (sums of columns and rows), ±2 and "nuc" (singular values). None is the square root of the sum
            of squares.
        axis: One axis or two; all by default.
        keepdims: Whether reduced axes stay with size 1.

    Raises:
        ValueError: If the order does not go with the axes.
    """
    x = float_tensor(x)
    axes = all_axes(axis, x.ndim, "norm")
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return emit("Sqrt", reduce("ReduceSum", emit("Mul", x, x), axes, keepdims))
    if len(axes) == 2 and ord in ("nuc", 2, -2):
        return _singular_norm(x, ord, axes, keepdims)
    size = emit("Abs", x)
    if len(axes) == 1:
        return _vector_norm(size, ord, axes, keepdims)
    if len(axes) == 2:
        first, second = axes if axis is None else tuple(a % x.ndim for a in axis)
        return _matrix_norm(size, ord, first, second, keepdims)
    raise ValueError(f"norm: ord={ord!r} takes one or two axes, got axis={axis} of shape {x.shape}.")


def _vector_norm(size: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is not one of vectors.")
    if ord in (float("inf"), float("-inf")):
        return reduce("ReduceMax" if ord > 0 else "ReduceMin", size, axes, keepdims)
    if ord == 0:
        there = emit("Cast", emit("Greater", size, 0.0), to=size.dtype)
        return reduce("ReduceSum", there, axes, keepdims)
    if ord == 1:
        return reduce("ReduceSum", size, axes, keepdims)
    total = reduce("ReduceSum", emit("Pow", size, convert(float(ord), size.dtype)), axes, keepdims)
    return emit("Pow", total, convert(1.0 / ord, size.dtype))


def _singular_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    from cornu.ops.spectra import singular

    kept = [i for i in range(x.ndim) if i not in axes]
    values = singular(permute(x, (*kept, *axes)))[1]
    primitive = "ReduceSum" if ord == "nuc" else "ReduceMax" if ord > 0 else "ReduceMin"
    found = emit(primitive, values, axes=(values.ndim - 1,), keepdims=False)
    return with_shape(found, tuple(1 if i in axes else s for i, s in enumerate(sizes(x)))) if keepdims else found


def _matrix_norm(size: Tensor, ord: Any, rows: int, columns: int, keepdims: bool) -> Any:
    if ord not in (1, -1, float("inf"), float("-inf")):
        raise ValueError(f"norm: ord={ord!r} is not one of matrices; use 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.")
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = emit("ReduceSum", size, axes=(summed,), keepdims=True)
    extreme = emit("ReduceMax" if ord > 0 else "ReduceMin", sums, axes=(other,), keepdims=True)
    if keepdims:
        return extreme
    return emit("Reshape", extreme, shape=tuple(s for i, s in enumerate(sizes(extreme)) if i not in (rows, columns)))
