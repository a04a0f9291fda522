"""Products of vectors, matrices and stacks of them, made of Transpose, Reshape and MatMul."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.ir.dim import DimLike, product
from cornu.ops.arguments import as_operand, as_tensor, emit, one_axis, permute, same_type, sizes, with_shape
from cornu.ops.dtypes import result_type
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def multiply_matrices(x: Tensor, y: Tensor) -> Tensor:
    """A matrix product of one dtype; bool counts as 0 and 1 and gives bool."""
    if x.dtype == "bool":
        return as_tensor(emit("MatMul", as_tensor(x, "int32"), as_tensor(y, "int32")), "bool")
    return emit("MatMul", x, y)  # type: ignore[no-any-return]


@op("Matmul", tensors=2)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product over the last axis of `x1` and the last but one of `x2`; other axes broadcast.

    A vector counts as a row (first) or a column (second). int8 times int8 gives int32.

    Raises:
        ValueError: If an operand is a scalar, or sizes differ.
    """
    x1, x2 = as_operand(x1), as_operand(x2)
    x1, x2 = as_tensor(x1), as_tensor(x2)
    dtype = "int32" if x1.dtype == x2.dtype == "int8" else result_type(x1, x2)
    x, y = as_tensor(x1, dtype), as_tensor(x2, dtype)
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError(f"matmul takes no scalars, got shapes {x.shape} and {y.shape}.")
    row, column = x.ndim == 1, y.ndim == 1
    x = with_shape(x, (1, *sizes(x))) if row else x
    y = with_shape(y, (*sizes(y), 1)) if column else y
    result = multiply_matrices(x, y)
    shape = list(sizes(result))
    if column:
        shape.pop()
    if row:
        shape.pop(-1 if column else -2)
    return with_shape(result, shape)


@op("Dot", tensors=2)
def dot(x1: Any, x2: Any) -> Any:
    """The sum over the last axis of `x1` and the last but one (or only) of `x2`; a scalar scales.

    Raises:
        ValueError: If the sizes differ.
    """
    x, y = same_type(x1, x2)
    if x.ndim == 0 or y.ndim == 0:
        return emit("And" if x.dtype == "bool" else "Mul", x, y)
    return _contract(x, y, [x.ndim - 1], [max(y.ndim - 2, 0)])


@op("Tensordot", tensors=2)
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum over pairs of axes.

    Args:
        x1, x2: Tensors.
        axes: How many last axes of `x1` go with the first of `x2`, or two lists of axes.

    Raises:
        ValueError: If there are not as many axes of one as of the other.
    """
    x, y = same_type(x1, x2)
    if isinstance(axes, int):
        return _contract(x, y, list(range(x.ndim - axes, x.ndim)), list(range(axes)))
    left, right = ([item] if isinstance(item, int) else list(item) for item in axes)
    if len(left) != len(right):
        raise ValueError(f"tensordot takes as many axes of each operand, got {axes}.")
    places = [one_axis(a, x.ndim, "tensordot") for a in left], [one_axis(a, y.ndim, "tensordot") for a in right]
    return _contract(x, y, *places)


def _contract(x: Tensor, y: Tensor, left: Sequence[int], right: Sequence[int]) -> Tensor:
    """The sum over pairs of axes, as one product of matrices."""
    free_x = [i for i in range(x.ndim) if i not in left]
    free_y = [i for i in range(y.ndim) if i not in right]
    x, y = permute(x, (*free_x, *left)), permute(y, (*right, *free_y))
    rows, columns = sizes(x)[: len(free_x)], sizes(y)[len(right) :]
    inner, other = product(sizes(x)[len(free_x) :]), product(sizes(y)[: len(right)])
    if isinstance(inner, int) and isinstance(other, int) and inner != other:
        raise ValueError(f"The axes summed over have {inner} and {other} elements: shapes {x.shape} and {y.shape}.")
    # Leading axes may stay as they are where one last axis is summed over.
    first = x if len(left) == 1 and len(rows) > 1 else with_shape(x, (product(rows), inner))
    result = multiply_matrices(first, with_shape(y, (other, product(columns))))
    return with_shape(result, (*rows, *columns))


@op("Inner", tensors=2)
def inner(x1: Any, x2: Any) -> Any:
    """The sum over the last axes of both; of scalars the product."""
    x, y = same_type(x1, x2)
    if x.ndim == 0 or y.ndim == 0:
        return emit("And" if x.dtype == "bool" else "Mul", x, y)
    return _contract(x, y, [x.ndim - 1], [y.ndim - 1])


@op("Vdot", tensors=2)
def vdot(x1: Any, x2: Any) -> Any:
    """The sum of the products of all elements."""
    x, y = same_type(x1, x2)
    return _contract(with_shape(x, (x.type.size,)), with_shape(y, (y.type.size,)), [0], [0])


@op("Outer", tensors=2)
def outer(x1: Any, x2: Any) -> Any:
    """The products of all pairs of elements: a matrix."""
    x, y = same_type(x1, x2)
    column, row = with_shape(x, (x.type.size, 1)), with_shape(y, (1, y.type.size))
    return emit("And" if x.dtype == "bool" else "Mul", column, row)


@op("Kron", tensors=2)
def kron(x1: Any, x2: Any) -> Any:
    """Each element of `x1` replaced by itself times `x2`."""
    x, y = same_type(x1, x2)
    rank = max(x.ndim, y.ndim)
    a, b = (*(1,) * (rank - x.ndim), *sizes(x)), (*(1,) * (rank - y.ndim), *sizes(y))
    spread_x: list[DimLike] = [size for pair in zip(a, (1,) * rank, strict=True) for size in pair]
    spread_y: list[DimLike] = [size for pair in zip((1,) * rank, b, strict=True) for size in pair]
    result = emit("Mul", with_shape(x, spread_x), with_shape(y, spread_y))
    return with_shape(result, tuple(left * right for left, right in zip(a, b, strict=True)))


@op("Cross", tensors=2)
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of 2 or 3 elements; of two flat vectors its third component.

    Raises:
        ValueError: If a vector has another number of elements.
    """
    x, y = same_type(x1, x2)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = _components(x, axisa), _components(y, axisb)

    def minor(i: int, k: int) -> Any:
        return emit("Sub", emit("Mul", a[i], b[k]), emit("Mul", a[k], b[i]))

    if len(a) == len(b) == 2:
        return minor(0, 1)
    zero = emit("Mul", emit("Add", a[0], b[0]), 0)
    a, b = [*a, zero][:3], [*b, zero][:3]
    parts = [minor(1, 2), minor(2, 0), minor(0, 1)]
    place = one_axis(axisc, parts[0].ndim + 1, "cross")
    lifted = [with_shape(part, (*sizes(part)[:place], 1, *sizes(part)[place:])) for part in parts]
    return emit("Concat", *lifted, axis=place)


def _components(x: Tensor, axis: int) -> list[Tensor]:
    from cornu.ops.shaping import unstack

    place = one_axis(axis, x.ndim, "cross")
    if sizes(x)[place] not in (2, 3):
        raise ValueError(f"cross takes vectors of 2 or 3 elements, got axis {axis} of shape {x.shape}.")
    return list(unstack(x, axis=place))
