"""Comparisons, logic and bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.ir.types import is_float, numpy_dtype
from cornu.ops.arguments import all_axes, as_operand, as_tensor, emit, same_float_type, same_type, sizes, with_shape
from cornu.ops.dtypes import at_least_int32, result_type
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def _compare(primitive: str, x1: Any, x2: Any) -> Any:
    x1, x2 = same_type(x1, x2)
    if x1.dtype == "bool" and primitive != "Equal":
        x1, x2 = as_tensor(x1, "uint8"), as_tensor(x2, "uint8")
    return emit(primitive, x1, x2)


@op("Equal", tensors=2)
def equal(x1: Any, x2: Any) -> Any:
    """True where `x1 == x2`."""
    return _compare("Equal", x1, x2)


@op("NotEqual", tensors=2)
def not_equal(x1: Any, x2: Any) -> Any:
    """True where `x1 != x2`."""
    return emit("Not", _compare("Equal", x1, x2))


@op("Less", tensors=2)
def less(x1: Any, x2: Any) -> Any:
    """True where `x1 < x2`."""
    return _compare("Less", x1, x2)


@op("LessEqual", tensors=2)
def less_equal(x1: Any, x2: Any) -> Any:
    """True where `x1 <= x2`."""
    return _compare("LessOrEqual", x1, x2)


@op("Greater", tensors=2)
def greater(x1: Any, x2: Any) -> Any:
    """True where `x1 > x2`."""
    return _compare("Greater", x1, x2)


@op("GreaterEqual", tensors=2)
def greater_equal(x1: Any, x2: Any) -> Any:
    """True where `x1 >= x2`."""
    return _compare("GreaterOrEqual", x1, x2)


def as_bool(x: Any) -> Tensor:
    """A tensor of truth values: everything but 0 is true."""
    return as_tensor(x, "bool")


@op("LogicalAnd", tensors=2)
def logical_and(x1: Any, x2: Any) -> Any:
    """True where both are."""
    return emit("And", as_bool(x1), as_bool(x2))


@op("LogicalOr", tensors=2)
def logical_or(x1: Any, x2: Any) -> Any:
    """True where either is."""
    return emit("Or", as_bool(x1), as_bool(x2))


@op("LogicalXor", tensors=2)
def logical_xor(x1: Any, x2: Any) -> Any:
    """True where exactly one is."""
    return emit("Xor", as_bool(x1), as_bool(x2))


@op("LogicalNot")
def logical_not(x: Any) -> Any:
    """True where `x` is not."""
    return emit("Not", as_bool(x))


# -- kinds of numbers ----------------------------------------------------------------------------------------------


def _falses(x: Tensor) -> Any:
    return emit("Expand", as_tensor(False), shape=sizes(x))


@op("Isnan")
def isnan(x: Any) -> Any:
    """True where `x` is NaN."""
    x = as_tensor(x)
    return emit("IsNaN", x) if is_float(x.dtype) else _falses(x)


@op("Isinf")
def isinf(x: Any) -> Any:
    """True where `x` is infinite."""
    x = as_tensor(x)
    return emit("IsInf", x) if is_float(x.dtype) else _falses(x)


@op("Isfinite")
def isfinite(x: Any) -> Any:
    """True where `x` is neither NaN nor infinite."""
    x = as_tensor(x)
    if not is_float(x.dtype):
        return emit("Not", _falses(x))
    # x - x is 0 for numbers and NaN for the others.
    return emit("Not", emit("IsNaN", emit("Sub", x, x)))


@op("Isposinf")
def isposinf(x: Any) -> Any:
    """True where `x` is +inf."""
    x = as_tensor(x)
    return emit("Equal", x, float("inf")) if is_float(x.dtype) else _falses(x)


@op("Isneginf")
def isneginf(x: Any) -> Any:
    """True where `x` is -inf."""
    x = as_tensor(x)
    return emit("Equal", x, float("-inf")) if is_float(x.dtype) else _falses(x)


@op("Isreal")
def isreal(x: Any) -> Any:
    """True everywhere: there are no complex numbers here."""
    return emit("Not", _falses(as_tensor(x)))


@op("Signbit")
def signbit(x: Any) -> Any:
    """True where the sign bit is set: below 0, and at -0.0."""
    x = as_tensor(x)
    if x.dtype == "bool":
        return _falses(x)
    below = emit("Less", x, 0)
    if not is_float(x.dtype):
        return below
    negative_zero = emit("And", emit("Equal", x, 0.0), emit("Less", emit("Reciprocal", x), 0.0))
    return emit("Or", below, negative_zero)


@op("Isclose", tensors=2)
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """True where `|x1 - x2| <= atol + rtol · |x2|`."""
    x1, x2 = same_float_type(x1, x2)
    allowed = emit("Add", emit("Mul", emit("Abs", x2), rtol), atol)
    near = emit("LessOrEqual", emit("Abs", emit("Sub", x1, x2)), allowed)
    close = emit("Or", emit("And", near, isfinite(x2)), emit("Equal", x1, x2))
    return emit("Or", close, emit("And", emit("IsNaN", x1), emit("IsNaN", x2))) if equal_nan else close


@op("AllClose", tensors=2)
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """True if all elements are close; see `isclose`."""
    return all(isclose(x1, x2, rtol, atol, equal_nan))


@op("All")
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """True where all elements along the axes are."""
    return _quantify("ReduceMin", x, axis, keepdims)


@op("Any")
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """True where any element along the axes is."""
    return _quantify("ReduceMax", x, axis, keepdims)


def _quantify(primitive: str, x: Any, axis: Any, keepdims: bool) -> Any:
    truth = as_bool(x)
    axes = all_axes(axis, truth.ndim, "all or any")
    if not axes:
        return truth
    return emit("Cast", emit(primitive, emit("Cast", truth, to="int32"), axes=axes, keepdims=keepdims), to="bool")


# -- choice --------------------------------------------------------------------------------------------------------


@op("Where", tensors=3)
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition holds, else `x2`.

    Args:
        condition: A tensor; everything but 0 is true.
        x1, x2: What to choose from; without both, the indices of the true elements (see `nonzero`).

    Raises:
        ValueError: If only one of `x1` and `x2` is given.
    """
    if (x1 is None) != (x2 is None):
        raise ValueError("where: give both `x1` and `x2`, or neither.")
    if x1 is None:
        from cornu.ops.searching import nonzero

        return nonzero(condition)
    x1, x2 = same_type(x1, x2)
    return emit("Where", as_bool(condition), x1, x2)


@op("Select", tensors=3)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element, the choice of the first condition that holds, else the default.

    Raises:
        ValueError: If there are not as many choices as conditions, or none.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"select takes as many choices as conditions, got {len(choicelist)} and {len(condlist)}.")
    *choices, result = same_type(*choicelist, default)
    for condition, choice in zip(reversed(list(condlist)), reversed(choices), strict=True):
        result = emit("Where", as_bool(condition), choice, result)
    return result


@op("NanToNum")
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """`x` with NaN and the infinities replaced; these by default by the largest and smallest finite number."""
    x = as_tensor(x)
    if not is_float(x.dtype):
        return x
    limits = _finite_limits(x.dtype)
    x = emit("Where", emit("IsNaN", x), as_tensor(float(nan), x.dtype), x)
    for infinity, given, limit in ((float("inf"), posinf, limits[1]), (float("-inf"), neginf, limits[0])):
        replacement = as_tensor(limit if given is None else float(given), x.dtype)
        x = emit("Where", emit("Equal", x, infinity), replacement, x)
    return x


def _finite_limits(dtype: str) -> tuple[float, float]:
    import ml_dtypes

    limits: Any = ml_dtypes.finfo(numpy_dtype(dtype))  # type: ignore[no-untyped-call]
    return float(limits.min), float(limits.max)


@op("IsIn", tensors=2)
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """True where an element of `x1` is among those of `x2`.

    Args:
        x1: The elements asked for.
        x2: The elements looked in.
        assume_unique: A hint that neither has duplicates; the result is the same.
        invert: Whether to give the opposite.
    """
    x1, x2 = same_type(x1, x2)
    total = x2.type.size
    found = emit("Equal", with_shape(x1, (*sizes(x1), 1)), with_shape(x2, (total,)))
    found = any(found, axis=-1)
    return emit("Not", found) if invert else found


# -- bits ----------------------------------------------------------------------------------------------------------


def _bitwise(primitive: str, logical: str, x: Any, y: Any) -> Any:
    x, y = same_type(x, y)
    if is_float(x.dtype):
        raise TypeError(f"{primitive} takes integers or bools, got {x.dtype}.")
    return emit(logical if x.dtype == "bool" else primitive, x, y)


@op("BitwiseAnd", tensors=2)
def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that are set in both."""
    return _bitwise("BitwiseAnd", "And", x, y)


@op("BitwiseOr", tensors=2)
def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that are set in either."""
    return _bitwise("BitwiseOr", "Or", x, y)


@op("BitwiseXor", tensors=2)
def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that are set in exactly one."""
    return _bitwise("BitwiseXor", "Xor", x, y)


@op("BitwiseInvert")
def bitwise_invert(x: Any) -> Any:
    """All bits inverted."""
    x = as_tensor(x)
    return emit("Not" if x.dtype == "bool" else "BitwiseNot", x)


@op("BitwiseNot")
def bitwise_not(x: Any) -> Any:
    """All bits inverted."""
    return bitwise_invert(x)


def _shift(x: Any, y: Any, direction: str) -> Any:
    x, y = as_operand(x), as_operand(y)
    dtype = at_least_int32(result_type(x, y))
    x, y = as_tensor(x, dtype), as_tensor(y, dtype)
    if dtype.startswith("u"):
        return emit("BitShift", x, y, direction=direction)
    if is_float(dtype):
        raise TypeError(f"A shift takes integers, got {dtype}.")
    # Shifts are defined on unsigned integers; a shift right of a negative number is that of its complement.
    unsigned = f"u{dtype}"
    amount = emit("Cast", y, to=unsigned)
    if direction == "LEFT":
        return emit("Cast", emit("BitShift", emit("Cast", x, to=unsigned), amount, direction="LEFT"), to=dtype)
    bits = numpy_dtype(dtype).itemsize * 8
    negative = emit("Less", x, 0)
    magnitude = emit("Where", negative, emit("BitwiseNot", x), x)
    limited = emit("Min", amount, as_tensor(np.asarray(bits - 1, numpy_dtype(unsigned))))
    shifted = emit("BitShift", emit("Cast", magnitude, to=unsigned), limited, direction="RIGHT")
    shifted = emit("Cast", shifted, to=dtype)
    return emit("Where", negative, emit("BitwiseNot", shifted), shifted)


@op("BitwiseLeftShift", tensors=2)
def bitwise_left_shift(x: Any, y: Any) -> Any:
    """`x · 2 ** y` of integers, modulo the width."""
    return _shift(x, y, "LEFT")


@op("LeftShift", tensors=2)
def left_shift(x: Any, y: Any) -> Any:
    """`x · 2 ** y` of integers, modulo the width."""
    return _shift(x, y, "LEFT")


@op("BitwiseRightShift", tensors=2)
def bitwise_right_shift(x: Any, y: Any) -> Any:
    """`floor(x / 2 ** y)` of integers."""
    return _shift(x, y, "RIGHT")


@op("RightShift", tensors=2)
def right_shift(x: Any, y: Any) -> Any:
    """`floor(x / 2 ** y)` of integers."""
    return _shift(x, y, "RIGHT")


def _whole(x: Any, y: Any, what: str) -> tuple[Tensor, Tensor]:
    x, y = same_type(x, y)
    if is_float(x.dtype) or x.dtype == "bool":
        raise TypeError(f"{what} takes integers, got {x.dtype}.")
    return x, y


@op("Gcd", tensors=2)
def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor, by Euclid's algorithm.

    Raises:
        TypeError: If the operands are not integers.
    """
    from cornu.tracing import while_loop

    x1, x2 = _whole(x1, x2, "gcd")
    a = emit("Abs", emit("Add", x1, emit("Mul", x2, 0)))
    b = emit("Abs", emit("Add", x2, emit("Mul", x1, 0)))

    def running(a: Tensor, b: Tensor) -> Any:
        return any(emit("Not", emit("Equal", b, 0)))

    def step(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        done = emit("Equal", b, 0)
        rest = emit("Mod", a, emit("Where", done, as_tensor(1, b.dtype), b))
        return emit("Where", done, a, b), emit("Where", done, b, rest)

    return while_loop(running, step, (a, b))[0]


@op("Lcm", tensors=2)
def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple.

    Raises:
        TypeError: If the operands are not integers.
    """
    x1, x2 = _whole(x1, x2, "lcm")
    divisor = emit("Max", gcd(x1, x2), as_tensor(1, x1.dtype))
    return emit("Abs", emit("Mul", x1, emit("Div", x2, divisor)))
