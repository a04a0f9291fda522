"""Rules about shapes that the primitives share."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.dim import Dim, DimLike
from cornu.ir.types import Shape, TensorType


class SizeConflictError(ValueError):
    """Two sizes that must be equal and are not known to be: the builder unifies them, or tells the user.

    Args:
        left: One size.
        right: The other.
        what: What required them to be equal.
    """

    def __init__(self, left: DimLike, right: DimLike, what: str) -> None:
        super().__init__(f"{what}: sizes {left} and {right} differ.")
        self.left = left
        self.right = right


def require_equal(left: DimLike, right: DimLike, what: str) -> DimLike:
    """Returns the size that both are; prefers an integer.

    Raises:
        SizeConflictError: If they are not the same expression.
    """
    if left != right:
        raise SizeConflictError(left, right, what)
    return left


def broadcast_shapes(*shapes: Shape, what: str = "broadcasting") -> Shape:
    """NumPy's broadcasting, where only a literal 1 stretches: a symbol never does.

    Raises:
        SizeConflictError: If two sizes neither are equal nor one of them is 1.
    """
    result: list[DimLike] = []
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        size: DimLike = 1
        for shape in shapes:
            if axis > len(shape) or shape[-axis] == 1 or shape[-axis] == size:
                continue
            if size != 1:
                raise SizeConflictError(size, shape[-axis], f"{what} of {' and '.join(map(show_shape, shapes))}")
            size = shape[-axis]
        result.append(size)
    return tuple(reversed(result))


def show_shape(shape: Shape) -> str:
    """A shape as people write it."""
    return f"({', '.join(map(str, shape))})"


def normalize_axis(axis: int, rank: int, what: str) -> int:
    """An axis counted from the front.

    Raises:
        ValueError: If there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ValueError(f"{what}: axis {axis} is out of range for rank {rank}.")
    return axis % rank


def check_axes(axes: Sequence[int], rank: int, what: str) -> None:
    """Checks that axes are distinct, sorted in range and counted from the front.

    Raises:
        ValueError: If they are not.
    """
    if any(not 0 <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"{what}: axes {tuple(axes)} do not fit rank {rank}.")


def check_dtype(type: TensorType, allowed: Sequence[str], what: str) -> None:
    """Checks an element type.

    Raises:
        TypeError: If it is not one of `allowed`.
    """
    if type.dtype not in allowed:
        raise TypeError(f"{what} does not take {type.dtype}; expected one of {', '.join(allowed)}.")


def same_dtype(types: Sequence[TensorType], what: str) -> str:
    """The one dtype of all.

    Raises:
        TypeError: If they differ.
    """
    dtypes = {type.dtype for type in types}
    if len(dtypes) != 1:
        raise TypeError(f"{what} takes operands of one dtype, got {', '.join(type.dtype for type in types)}.")
    return dtypes.pop()


def static(shape: Shape) -> bool:
    """True where every size is an integer."""
    return not any(isinstance(dim, Dim) for dim in shape)
