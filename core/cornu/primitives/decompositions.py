"""Elementwise operators in terms of simpler ones, for backends (or dtypes of a backend) that lack them.

Each keeps the operator's accuracy in float32 and float64: no cancellation near 0 and no overflow on the way. The
16-bit floats are widened first (by `legalise`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.program import Node, Value
from cornu.ir.types import SIGNED, is_float

# erf(x) / x as a polynomial in x^2 (its Taylor series), good to 4e-16 for |x| <= 1.
_ERF_NEAR = tuple(2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(20))
# exp(x^2) * erfc(x) for 1 <= x <= 6 as a polynomial in u, linear in 2 / (2 + x) and from -1 to 1; fitted at Chebyshev
# points, good to 1e-16 absolutely.
_ERFC_FAR = (
    0.22142954022993175,
    0.16189356804102512,
    0.03856057042518465,
    0.0055888162818304036,
    0.00019713917773183097,
    -8.079220416304934e-05,
    -7.340518208032166e-06,
    1.9795613599438155e-06,
    1.635009809319854e-07,
    -7.005211344335295e-08,
    -5.927489610257912e-10,
    2.6227304724e-09,
    -2.6325324142817417e-10,
    -7.303526672330921e-11,
    1.855369191616774e-11,
)
_FAR_MIDDLE, _FAR_HALF = (2 / 8 + 2 / 3) / 2, (2 / 3 - 2 / 8) / 2


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Horner's rule on NumPy arrays."""
    result = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        result = result * x + x.dtype.type(coefficient)
    return result


def erf_kernel(x: np.ndarray) -> np.ndarray:
    """The error function of float32 or float64, to a few units in the last place."""
    size = np.minimum(np.abs(x), x.dtype.type(6))
    far = np.maximum(size, x.dtype.type(1))
    u = ((2 / (2 + far) - _FAR_MIDDLE) / _FAR_HALF).astype(x.dtype)
    outer = 1 - np.exp(-far * far) * _polynomial(u, _ERFC_FAR)
    near = np.minimum(size, x.dtype.type(1))
    inner = near * _polynomial(near * near, _ERF_NEAR)
    return np.asarray(np.copysign(np.where(size > 1, outer, inner), x))


Unary = Callable[[Builder, Value], Value]


def _horner(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    result: Value = b.Mul(x, coefficients[-1])
    for coefficient in coefficients[-2:0:-1]:
        result = b.Mul(b.Add(result, coefficient), x)
    return b.Add(result, coefficients[0])  # type: ignore[no-any-return]


def _constant(b: Builder, x: Value, value: float) -> Value:
    return b.constant(value, x.dtype)


def sign(b: Builder, x: Value) -> Value:
    """-1, 0 or 1, and NaN of NaN."""
    signs = b.Sub(b.Cast(b.Greater(x, 0), to=x.dtype), b.Cast(b.Less(x, 0), to=x.dtype))
    return b.Where(b.Equal(x, x), signs, x)  # type: ignore[no-any-return]


def log1p(b: Builder, x: Value) -> Value:
    """`log(1 + x)` for x > -1: below 1 the rounding error of `1 + x` is divided out again."""
    u = b.Add(x, 1)
    same, one = b.Equal(u, 1), _constant(b, x, 1)
    small = b.Where(same, x, b.Div(b.Mul(b.Log(u), x), b.Where(same, one, b.Sub(u, 1))))
    return b.Where(b.Greater(x, 1), b.Log(u), small)  # type: ignore[no-any-return]


def erf(b: Builder, x: Value) -> Value:
    """As the reference kernel does it."""
    size = b.Min(b.Abs(x), 6)
    far = b.Max(size, 1)
    u = b.Div(b.Sub(b.Div(_constant(b, x, 2), b.Add(far, 2)), _FAR_MIDDLE), _FAR_HALF)
    outer = b.Sub(_constant(b, x, 1), b.Mul(b.Exp(b.Neg(b.Mul(far, far))), _horner(b, u, _ERFC_FAR)))
    near = b.Min(size, 1)
    inner = b.Mul(near, _horner(b, b.Mul(near, near), _ERF_NEAR))
    return b.Mul(b.Where(b.Greater(size, 1), outer, inner), b.Sign(x))  # type: ignore[no-any-return]


def sigmoid(b: Builder, x: Value) -> Value:
    """`1 / (1 + exp(-x))`; an overflowing power gives the right 0."""
    return b.Reciprocal(b.Add(b.Exp(b.Neg(x)), 1))  # type: ignore[no-any-return]


def softplus(b: Builder, x: Value) -> Value:
    """`max(x, 0) + log1p(exp(-|x|))`."""
    return b.Add(b.Max(x, 0), log1p(b, b.Exp(b.Neg(b.Abs(x)))))  # type: ignore[no-any-return]


def round_half_even(b: Builder, x: Value) -> Value:
    """The floor, one more above a half, and at a half the even one of the two."""
    low = b.Floor(x)
    rest = b.Sub(x, low)
    odd = b.Not(b.Equal(b.Mul(b.Floor(b.Mul(low, 0.5)), 2), low))
    up = b.Or(b.Greater(rest, 0.5), b.And(b.Equal(rest, 0.5), odd))
    return b.Where(b.IsInf(x), x, b.Add(low, b.Cast(up, to=x.dtype)))  # type: ignore[no-any-return]


def sinh(b: Builder, x: Value) -> Value:
    """`(exp(x) - exp(-x)) / 2`; near 0 its Taylor series."""
    clipped = b.Max(b.Min(x, 0.5), -0.5)
    series = b.Mul(clipped, _horner(b, b.Mul(clipped, clipped), [1 / math.factorial(2 * n + 1) for n in range(8)]))
    half = b.Exp(b.Mul(x, 0.5))
    mirrored = b.Exp(b.Mul(x, -0.5))
    # Powers of x / 2 are squared after halving, so that the result overflows only where it must.
    wide = b.Sub(b.Mul(b.Mul(half, 0.5), half), b.Mul(b.Mul(mirrored, 0.5), mirrored))
    return b.Where(b.Equal(clipped, x), series, wide)  # type: ignore[no-any-return]


def cosh(b: Builder, x: Value) -> Value:
    """`(exp(x) + exp(-x)) / 2`."""
    half, mirrored = b.Exp(b.Mul(x, 0.5)), b.Exp(b.Mul(x, -0.5))
    return b.Add(b.Mul(b.Mul(half, 0.5), half), b.Mul(b.Mul(mirrored, 0.5), mirrored))  # type: ignore[no-any-return]


def tan(b: Builder, x: Value) -> Value:
    """`sin(x) / cos(x)`."""
    return b.Div(b.Sin(x), b.Cos(x))  # type: ignore[no-any-return]


def asinh(b: Builder, x: Value) -> Value:
    """`sign(x) * log1p(a + a^2 / (1 + sqrt(1 + a^2)))` with `a = |x|`; for large a `log(a) + log(2)`."""
    size = b.Abs(x)
    near = b.Min(size, 2.0**24)
    square = b.Mul(near, near)
    small = log1p(b, b.Add(near, b.Div(square, b.Add(b.Sqrt(b.Add(square, 1)), 1))))
    large = b.Add(b.Log(b.Max(size, 1)), math.log(2))
    return b.Mul(b.Where(b.Greater(size, 2.0**24), large, small), b.Sign(x))  # type: ignore[no-any-return]


def acosh(b: Builder, x: Value) -> Value:
    """`log1p(t + sqrt(2t + t^2))` with `t = x - 1`; for large x `log(x) + log(2)`."""
    t = b.Sub(b.Min(x, 2.0**24), 1)
    small = log1p(b, b.Add(t, b.Sqrt(b.Add(b.Mul(t, 2), b.Mul(t, t)))))
    large = b.Add(b.Log(b.Max(x, 1)), math.log(2))
    return b.Where(b.Greater(x, 2.0**24), large, small)  # type: ignore[no-any-return]


def atanh(b: Builder, x: Value) -> Value:
    """`sign(x) / 2 * log1p(2a / (1 - a))` with `a = |x|`."""
    size = b.Abs(x)
    half = b.Mul(log1p(b, b.Div(b.Mul(size, 2), b.Sub(_constant(b, x, 1), size))), 0.5)
    return b.Mul(half, b.Sign(x))  # type: ignore[no-any-return]


def atan(b: Builder, x: Value) -> Value:
    """The series, after the angle is brought below pi / 16 by inversion and by halving it twice."""
    size = b.Abs(x)
    inverted = b.Greater(size, 1)
    t = b.Where(inverted, b.Reciprocal(b.Max(size, 1)), size)
    for _ in range(2):
        t = b.Div(t, b.Add(b.Sqrt(b.Add(b.Mul(t, t), 1)), 1))
    series = _horner(b, b.Mul(t, t), [(-1) ** n / (2 * n + 1) for n in range(13)])
    angle = b.Mul(b.Mul(t, series), 4)
    return b.Mul(b.Where(inverted, b.Sub(_constant(b, x, math.pi / 2), angle), angle), b.Sign(x))  # type: ignore[no-any-return]


def asin(b: Builder, x: Value) -> Value:
    """`atan(x / sqrt((1 - x)(1 + x)))`."""
    one = _constant(b, x, 1)
    return b.Atan(b.Div(x, b.Sqrt(b.Mul(b.Sub(one, x), b.Add(x, 1)))))  # type: ignore[no-any-return]


def acos(b: Builder, x: Value) -> Value:
    """`2 atan(sqrt((1 - x) / (1 + x)))`."""
    return b.Mul(b.Atan(b.Sqrt(b.Div(b.Sub(_constant(b, x, 1), x), b.Add(x, 1)))), 2)  # type: ignore[no-any-return]


# -- two operands --------------------------------------------------------------------------------------------------


def modulo(b: Builder, node: Node) -> tuple[Value]:
    """`x - y * floor(x / y)`; of integers the truncated remainder, corrected to the divisor's sign."""
    x, y = node.inputs
    if is_float(x.dtype):
        return (b.Sub(x, b.Mul(y, b.Floor(b.Div(x, y)))),)
    rest = b.Sub(x, b.Mul(b.Div(x, y), y))
    zero = _constant(b, x, 0)
    if x.dtype in SIGNED:
        wrong = b.And(b.Not(b.Equal(rest, zero)), b.Xor(b.Less(rest, zero), b.Less(y, zero)))
        rest = b.Where(wrong, b.Add(rest, y), rest)
    return (b.Where(b.Equal(y, zero), zero, rest),)


def choice(larger: bool) -> Callable[[Builder, Node], tuple[Value]]:
    """The larger or smaller operand by comparison; NaN wins."""

    def rule(b: Builder, node: Node) -> tuple[Value]:
        x, y = node.inputs
        first = b.GreaterOrEqual(x, y) if larger else b.LessOrEqual(x, y)
        return (b.Where(b.Or(first, b.Not(b.Equal(x, x))), x, y),)

    return rule


def where(b: Builder, node: Node) -> tuple[Value] | None:
    """Of bool by logic, of integers by arithmetic; of floats no arithmetic is right for infinities and NaN."""
    condition, x, y = node.inputs
    if x.dtype == "bool":
        return (b.Or(b.And(condition, x), b.And(b.Not(condition), y)),)
    if is_float(x.dtype):
        return None
    mask = b.Cast(condition, to=x.dtype)
    return (b.Add(b.Mul(x, mask), b.Mul(y, b.Sub(_constant(b, x, 1), mask))),)
