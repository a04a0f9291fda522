"""Arithmetic and analysis, element by element, with NumPy's broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cornu.ir.types import is_float
from cornu.ops.arguments import as_operand, as_tensor, emit, float_tensor, same_float_type, same_type
from cornu.ops.dtypes import at_least_int32, float_type, require_float, result_type
from cornu.ops.operation import op

# -- arithmetic ----------------------------------------------------------------------------------------------------


@op("Add", tensors=2)
def add(x1: Any, x2: Any) -> Any:
    """`x1 + x2`; of bools the logical or."""
    x1, x2 = same_type(x1, x2)
    return emit("Or" if x1.dtype == "bool" else "Add", x1, x2)


@op("Subtract", tensors=2)
def subtract(x1: Any, x2: Any) -> Any:
    """`x1 - x2`.

    Raises:
        TypeError: If both are bools.
    """
    x1, x2 = same_type(x1, x2)
    return emit("Sub", x1, x2)


@op("Multiply", tensors=2)
def multiply(x1: Any, x2: Any) -> Any:
    """`x1 · x2`; of bools the logical and."""
    x1, x2 = same_type(x1, x2)
    return emit("And" if x1.dtype == "bool" else "Mul", x1, x2)


@op("Divide", tensors=2)
def divide(x1: Any, x2: Any) -> Any:
    """`x1 / x2`, a float."""
    return emit("Div", *same_float_type(x1, x2))


@op("TrueDivide", tensors=2)
def true_divide(x1: Any, x2: Any) -> Any:
    """`x1 / x2`, a float."""
    return emit("Div", *same_float_type(x1, x2))


@op("DivideNoNan", tensors=2)
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """`x1 / x2`, and 0 where `x2` is 0."""
    x1, x2 = same_float_type(x1, x2)
    zero = emit("Equal", x2, 0)
    quotient = emit("Div", x1, emit("Where", zero, as_tensor(1, x2.dtype), x2))
    return emit("Where", zero, as_tensor(0, x1.dtype), quotient)


def _whole_numbers(x1: Any, x2: Any) -> tuple[Any, Any]:
    x1, x2 = as_operand(x1), as_operand(x2)
    dtype = at_least_int32(result_type(x1, x2))
    return as_tensor(x1, dtype), as_tensor(x2, dtype)


@op("FloorDivide", tensors=2)
def floor_divide(x1: Any, x2: Any) -> Any:
    """`floor(x1 / x2)`; an integer divided by 0 gives 0."""
    x1, x2 = _whole_numbers(x1, x2)
    if is_float(x1.dtype):
        return emit("Floor", emit("Div", x1, x2))
    quotient = emit("Div", x1, x2)
    if x1.dtype.startswith("u"):
        return quotient
    # The primitive truncates towards zero: one less where the remainder is not 0 and the signs differ.
    wrong = emit("Less", emit("Mul", emit("Sub", x1, emit("Mul", quotient, x2)), emit("Sign", x2)), 0)
    return emit("Sub", quotient, emit("Cast", wrong, to=x1.dtype))


@op("Mod", tensors=2)
def mod(x1: Any, x2: Any) -> Any:
    """Python's remainder: it has the sign of the divisor."""
    return emit("Mod", *_whole_numbers(x1, x2))


@op("Fmod", tensors=2)
def fmod(x1: Any, x2: Any) -> Any:
    """C's remainder: it has the sign of the dividend."""
    x1, x2 = _whole_numbers(x1, x2)
    if x1.dtype.startswith("u"):
        return emit("Mod", x1, x2)
    return emit("Mul", emit("Sign", x1), emit("Mod", emit("Abs", x1), emit("Abs", x2)))


@op("Power", tensors=2)
def power(x1: Any, x2: Any) -> Any:
    """`x1 ** x2`."""
    if isinstance(x2, (int, float)) and not isinstance(x2, bool) and x2 in _POWERS:
        x = as_operand(x1)
        if hasattr(x, "dtype") and x.dtype != "bool" and (is_float(x.dtype) or isinstance(x2, int)):
            return _POWERS[x2](x)
    return emit("Pow", *_whole_numbers(x1, x2))


_POWERS: dict[float, Callable[[Any], Any]] = {
    1: lambda x: emit("Identity", x),
    2: lambda x: emit("Mul", x, x),
    0.5: lambda x: emit("Sqrt", x),
    3: lambda x: emit("Mul", emit("Mul", x, x), x),
}


@op("Negative")
def negative(x: Any) -> Any:
    """`-x`; unsigned integers wrap around."""
    x = as_tensor(x)
    return emit("Sub", as_tensor(0, x.dtype), x) if x.dtype.startswith("u") else emit("Neg", x)


@op("Absolute")
def absolute(x: Any) -> Any:
    """`|x|`."""
    x = as_tensor(x)
    return x if x.dtype == "bool" or x.dtype.startswith("u") else emit("Abs", x)


@op("Abs")
def abs(x: Any) -> Any:
    """`|x|`."""
    return absolute(x)


@op("Fabs")
def fabs(x: Any) -> Any:
    """`|x|`, a float."""
    return emit("Abs", float_tensor(x))


@op("Square")
def square(x: Any) -> Any:
    """`x²`."""
    x = as_tensor(x)
    x = as_tensor(x, at_least_int32(x.dtype))
    return emit("Mul", x, x)


@op("Sign")
def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    return emit("Sign", as_tensor(x))


@op("Maximum", tensors=2)
def maximum(x1: Any, x2: Any) -> Any:
    """The larger of two; NaN if either is NaN."""
    x1, x2 = same_type(x1, x2)
    return emit("Or" if x1.dtype == "bool" else "Max", x1, x2)


@op("Minimum", tensors=2)
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of two; NaN if either is NaN."""
    x1, x2 = same_type(x1, x2)
    return emit("And" if x1.dtype == "bool" else "Min", x1, x2)


def _without_nan(x1: Any, x2: Any, choose: Callable[[Any, Any], Any]) -> Any:
    x1, x2 = same_type(x1, x2)
    if not is_float(x1.dtype):
        return choose(x1, x2)
    either = emit("Where", emit("IsNaN", x1), x2, choose(x1, x2))
    return emit("Where", emit("IsNaN", x2), x1, either)


@op("Fmax", tensors=2)
def fmax(x1: Any, x2: Any) -> Any:
    """The larger of two, ignoring NaN."""
    return _without_nan(x1, x2, maximum)


@op("Fmin", tensors=2)
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of two, ignoring NaN."""
    return _without_nan(x1, x2, minimum)


@op("Clip")
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """`min(max(x, x_min), x_max)`.

    Args:
        x: A tensor.
        x_min: The lower bound, or None.
        x_max: The upper bound, or None.
    """
    x = as_tensor(x)
    dtype = at_least_int32(x.dtype)
    x = as_tensor(x, dtype)
    if x_min is not None:
        x = emit("Max", x, _bound(x_min, dtype))
    return x if x_max is None else emit("Min", x, _bound(x_max, dtype))


def _bound(value: Any, dtype: str) -> Any:
    return as_tensor(as_operand(value), dtype)


@op("Reciprocal")
def reciprocal(x: Any) -> Any:
    """`1 / x`."""
    return emit("Reciprocal", float_tensor(x))


# -- rounding ------------------------------------------------------------------------------------------------------


@op("Floor")
def floor(x: Any) -> Any:
    """The largest whole number not above `x`, as a float."""
    return emit("Floor", float_tensor(x))


@op("Ceil")
def ceil(x: Any) -> Any:
    """The smallest whole number not below `x`, as a float."""
    return emit("Ceil", float_tensor(x))


@op("Trunc")
def trunc(x: Any) -> Any:
    """The whole part, towards zero."""
    x = as_tensor(x)
    return emit("Mul", emit("Sign", x), emit("Floor", emit("Abs", x))) if is_float(x.dtype) else x


@op("Round")
def round(x: Any, decimals: int = 0) -> Any:
    """The nearest number with that many decimals; halves go to the even neighbour."""
    x = as_tensor(x)
    if not is_float(x.dtype):
        if x.dtype == "bool":
            raise TypeError("round does not take bool.")
        if decimals >= 0:
            return x
        scale = 10.0**-decimals
        return as_tensor(emit("Mul", emit("Round", emit("Div", as_tensor(x, "float64"), scale)), scale), x.dtype)
    if not decimals:
        return emit("Round", x)
    scale = 10.0**decimals
    return emit("Div", emit("Round", emit("Mul", x, scale)), scale)


# -- powers, logarithms, angles ------------------------------------------------------------------------------------


def _float_unary(class_name: str, primitive: str, text: str) -> Callable[[Any], Any]:
    """An operation that is one primitive on floats."""

    def function(x: Any) -> Any:
        return emit(primitive, float_tensor(x))

    function.__name__ = function.__qualname__ = class_name.lower()
    function.__doc__ = text
    function.__module__ = __name__
    return op(class_name)(function)


exp = _float_unary("Exp", "Exp", "`e ** x`.")
log = _float_unary("Log", "Log", "The natural logarithm; -inf at 0 and NaN below.")
sqrt = _float_unary("Sqrt", "Sqrt", "The square root; NaN below 0.")
sin = _float_unary("Sin", "Sin", "The sine of an angle in radians.")
cos = _float_unary("Cos", "Cos", "The cosine of an angle in radians.")
tan = _float_unary("Tan", "Tan", "The tangent of an angle in radians.")
arcsin = _float_unary("Arcsin", "Asin", "The angle in [-π/2, π/2] whose sine is `x`.")
arccos = _float_unary("Arccos", "Acos", "The angle in [0, π] whose cosine is `x`.")
arctan = _float_unary("Arctan", "Atan", "The angle in (-π/2, π/2) whose tangent is `x`.")
sinh = _float_unary("Sinh", "Sinh", "`(exp(x) - exp(-x)) / 2`.")
cosh = _float_unary("Cosh", "Cosh", "`(exp(x) + exp(-x)) / 2`.")
tanh = _float_unary("Tanh", "Tanh", "`(exp(2x) - 1) / (exp(2x) + 1)`.")
arcsinh = _float_unary("Arcsinh", "Asinh", "`log(x + sqrt(x² + 1))`.")
arccosh = _float_unary("Arccosh", "Acosh", "`log(x + sqrt(x² - 1))`.")
arctanh = _float_unary("Arctanh", "Atanh", "`log((1 + x) / (1 - x)) / 2`.")


@op("Exp2")
def exp2(x: Any) -> Any:
    """`2 ** x`."""
    x = float_tensor(x)
    return emit("Pow", as_tensor(2.0, x.dtype), x)


@op("Expm1")
def expm1(x: Any) -> Any:
    """`exp(x) - 1`, exact near 0: `2 sinh(x/2) exp(x/2)`."""
    x = float_tensor(x)
    half = emit("Mul", x, 0.5)
    return emit("Mul", emit("Mul", emit("Sinh", half), emit("Exp", half)), 2.0)


@op("Log1p")
def log1p(x: Any) -> Any:
    """`log(1 + x)`, exact near 0: `2 atanh(x / (2 + x))`."""
    x = float_tensor(x)
    near = emit("Mul", emit("Atanh", emit("Div", x, emit("Add", x, 2.0))), 2.0)
    small = emit("Less", emit("Abs", x), 0.5)
    safe = emit("Where", small, as_tensor(0.0, x.dtype), x)
    return emit("Where", small, near, emit("Log", emit("Add", safe, 1.0)))


@op("Log2")
def log2(x: Any) -> Any:
    """The logarithm to base 2."""
    return emit("Div", emit("Log", float_tensor(x)), math.log(2.0))


@op("Log10")
def log10(x: Any) -> Any:
    """The logarithm to base 10."""
    return emit("Div", emit("Log", float_tensor(x)), math.log(10.0))


@op("Rsqrt", module="math")
def rsqrt(x: Any) -> Any:
    """`1 / sqrt(x)`.

    Raises:
        TypeError: If `x` is not a float.
    """
    x = as_tensor(x)
    require_float(x.dtype, "rsqrt")
    return emit("Reciprocal", emit("Sqrt", x))


@op("Cbrt")
def cbrt(x: Any) -> Any:
    """The cube root, of negative numbers too."""
    x = float_tensor(x)
    return emit("Mul", emit("Sign", x), emit("Pow", emit("Abs", x), as_tensor(1 / 3, x.dtype)))


@op("Hypot", tensors=2)
def hypot(x1: Any, x2: Any) -> Any:
    """`sqrt(x1² + x2²)`, without overflow in between."""
    x1, x2 = same_float_type(x1, x2)
    a, b = emit("Abs", x1), emit("Abs", x2)
    larger, smaller = emit("Max", a, b), emit("Min", a, b)
    divisor = emit("Where", emit("Equal", larger, 0.0), as_tensor(1.0, x1.dtype), larger)
    ratio = emit("Div", smaller, divisor)
    return emit("Mul", larger, emit("Sqrt", emit("Add", emit("Mul", ratio, ratio), 1.0)))


@op("Logaddexp", tensors=2)
def logaddexp(x1: Any, x2: Any) -> Any:
    """`log(exp(x1) + exp(x2))`, without overflow: `max(x1, x2) + log(1 + exp(-|x1 - x2|))`."""
    x1, x2 = same_float_type(x1, x2)
    largest = emit("Max", x1, x2)
    # inf - inf is NaN where both are the same infinity; there the difference is 0.
    gap = emit("Where", emit("Equal", x1, x2), as_tensor(0.0, x1.dtype), emit("Abs", emit("Sub", x1, x2)))
    return emit("Add", largest, emit("Softplus", emit("Neg", gap)))


@op("Logaddexp2", tensors=2)
def logaddexp2(x1: Any, x2: Any) -> Any:
    """`log2(2**x1 + 2**x2)`, without overflow."""
    x1, x2 = same_float_type(x1, x2)
    ln2 = math.log(2.0)
    return emit("Div", logaddexp(emit("Mul", x1, ln2), emit("Mul", x2, ln2)), ln2)


@op("Arctan2", tensors=2)
def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point with ordinate `x1` and abscissa `x2`, in (-π, π]."""
    y, x = same_float_type(x1, x2)
    zero, one = as_tensor(0.0, x.dtype), as_tensor(1.0, x.dtype)
    on_axis = emit("Equal", x, 0.0)
    slope = emit("Atan", emit("Div", y, emit("Where", on_axis, one, x)))
    turn = emit("Where", emit("Less", y, 0.0), as_tensor(-math.pi, x.dtype), as_tensor(math.pi, x.dtype))
    angle = emit("Add", slope, emit("Where", emit("Less", x, 0.0), turn, zero))
    return emit("Where", on_axis, emit("Mul", emit("Sign", y), math.pi / 2), angle)


@op("Sinc")
def sinc(x: Any) -> Any:
    """`sin(πx) / (πx)`, 1 at 0."""
    x = float_tensor(x)
    zero = emit("Equal", x, 0.0)
    scaled = emit("Mul", emit("Where", zero, as_tensor(1.0, x.dtype), x), math.pi)
    return emit("Where", zero, as_tensor(1.0, x.dtype), emit("Div", emit("Sin", scaled), scaled))


@op("Deg2rad")
def deg2rad(x: Any) -> Any:
    """Degrees to radians: `x · π / 180`."""
    return emit("Mul", float_tensor(x), math.pi / 180)


@op("Rad2deg")
def rad2deg(x: Any) -> Any:
    """Radians to degrees: `x · 180 / π`."""
    return emit("Mul", float_tensor(x), 180 / math.pi)


@op("Heaviside", tensors=2)
def heaviside(x1: Any, x2: Any) -> Any:
    """0 below 0, `x2` at 0, 1 above 0."""
    x1, x2 = same_float_type(x1, x2)
    above = emit("Cast", emit("Greater", x1, 0.0), to=x1.dtype)
    step = emit("Where", emit("Equal", x1, 0.0), x2, above)
    return emit("Where", emit("IsNaN", x1), x1, step)


@op("Ldexp", tensors=2)
def ldexp(x1: Any, x2: Any) -> Any:
    """`x1 · 2 ** x2` with a whole `x2`.

    Raises:
        TypeError: If `x2` is a float.
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if is_float(x2.dtype):
        raise TypeError(f"ldexp takes whole exponents, got {x2.dtype}.")
    dtype = float_type(x1, x2)
    return emit("Mul", as_tensor(x1, dtype), emit("Pow", as_tensor(2.0, dtype), as_tensor(x2, dtype)))
