"""What every operation does with its arguments first: tensors of one dtype, axes counted from the front, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.ir.dim import Dim, DimLike
from cornu.ir.shapes import normalize_axis
from cornu.ir.types import Shape
from cornu.ops.dtypes import float_type, result_type
from cornu.tracing.tensor import ConcreteTensor, Tensor, apply, convert
from cornu.tracing.trace import current_trace


def emit(op: str, *inputs: Any, **attributes: Any) -> Any:
    """One primitive; see `cornu.tracing.apply`."""
    return apply(op, *inputs, **attributes)


def as_operand(x: Any) -> Any:
    """A tensor, or a Python number or size as it is, so that it can take another operand's dtype."""
    if isinstance(x, np.floating) and isinstance(x, float):
        return float(x)
    if isinstance(x, (Tensor, bool, int, float, Dim)):
        return x
    return convert(x)


def sizes(x: Tensor) -> Shape:
    """The exact sizes of a tensor."""
    return x.type.shape


def as_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """A tensor of a dtype; of its own if none is asked for."""
    return convert(x, dtype)


def float_tensor(x: Any) -> Tensor:
    """A tensor of a floating-point dtype: integers become the configured one."""
    x = as_operand(x)
    return convert(x, float_type(x))


def same_type(*operands: Any) -> tuple[Tensor, ...]:
    """Tensors of the dtype that the operands promote to."""
    items = [as_operand(x) for x in operands]
    dtype = result_type(*items)
    return tuple(convert(x, dtype) for x in items)


def same_float_type(*operands: Any) -> tuple[Tensor, ...]:
    """Tensors of the floating-point dtype that the operands promote to."""
    items = [as_operand(x) for x in operands]
    dtype = float_type(*items)
    return tuple(convert(x, dtype) for x in items)


def one_axis(axis: Any, rank: int, what: str) -> int:
    """An axis counted from the front.

    Raises:
        ValueError: If there is no such axis.
    """
    return normalize_axis(_as_int(axis, what), rank, what)


def all_axes(axis: Any, rank: int, what: str) -> tuple[int, ...]:
    """Axes to reduce over, counted from the front and sorted; None means all.

    Raises:
        ValueError: If one is missing or named twice.
    """
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = tuple(one_axis(item, rank, what) for item in given)
    if len(set(found)) != len(found):
        raise ValueError(f"{what}: axis {axis} names an axis twice.")
    return tuple(sorted(found))


def _as_int(axis: Any, what: str) -> int:
    try:
        return axis.__index__()  # type: ignore[no-any-return]
    except (AttributeError, TypeError):
        raise ValueError(f"{what}: an axis is an integer, got {axis!r}.") from None


def as_sizes(shape: Any, what: str = "shape") -> Shape:
    """A shape given as an integer, a sequence or a tensor whose numbers are known.

    Raises:
        ValueError, TypeError: If a size is negative or unknown.
    """
    if isinstance(shape, (int, Dim, np.integer)):
        shape = (shape,)
    if hasattr(shape, "__cornu_tensor__") or isinstance(shape, Tensor):
        shape = known_array(shape, what).tolist()
        shape = shape if isinstance(shape, list) else [shape]
    found = tuple(as_size(size, what) for size in shape)
    if any(isinstance(size, int) and size < 0 for size in found):
        raise ValueError(f"{what} must not be negative, got {found}.")
    return found


def as_size(size: Any, what: str) -> DimLike:
    """One size: an integer, a symbolic size, or a scalar whose number is known.

    Raises:
        TypeError: If it is not known.
    """
    if isinstance(size, Dim):
        return size
    if size is None:
        raise TypeError(f"{what}: a size is None; use `ops.shape(x)` inside a layer to get it as an expression.")
    if isinstance(size, Tensor):
        return int(known_array(size, what))
    return int(size)


def known_array(x: Any, what: str) -> np.ndarray:
    """The numbers of something that an operation needs while it is being traced.

    Raises:
        TypeError: If they are computed by the program itself.
    """
    if hasattr(x, "__cornu_tensor__"):
        x = x.__cornu_tensor__()
    if isinstance(x, Tensor) and not isinstance(x, ConcreteTensor):
        constant = constant_array(x)
        if constant is None:
            raise TypeError(f"{what} must be known when the program is traced, got {x!r}.")
        return constant
    return np.asarray(x)


def constant_array(x: Any) -> np.ndarray | None:
    """The value of a traced tensor that is a constant of the program, or None."""
    trace = current_trace()
    while trace is not None:
        for node in trace.builder.nodes:
            if node.op == "Constant" and node.outputs[0] is x._value:
                return np.asarray(node.attributes["value"])
        trace = trace.parent
    return None


def pair(values: Any, rank: int, what: str) -> tuple[int, ...]:
    """One positive integer per spatial axis.

    Raises:
        ValueError: If there are too few or too many, or one is not positive.
    """
    found = (int(values),) * rank if isinstance(values, (int, np.integer)) else tuple(int(value) for value in values)
    if len(found) == 1:
        found *= rank
    if len(found) != rank or any(value < 1 for value in found):
        raise ValueError(f"{what} must be a positive integer or {rank} of them, got {values!r}.")
    return found


def inverse(perm: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes another."""
    return tuple(perm.index(i) for i in range(len(perm)))


def permute(x: Tensor, perm: Sequence[int]) -> Tensor:
    """A transposition, left out where it changes nothing."""
    perm = tuple(perm)
    return x if perm == tuple(range(len(perm))) else emit("Transpose", x, perm=perm)


def with_shape(x: Tensor, shape: Sequence[DimLike]) -> Tensor:
    """A reshape to exact sizes, left out where it changes nothing."""
    shape = tuple(shape)
    return x if sizes(x) == shape else emit("Reshape", x, shape=shape)
