"""Elementwise arithmetic and analysis."""

from __future__ import annotations

import jax
import numpy as np
from cornu.ir.types import numpy_dtype
from jax import lax

from cornu_jax.kernels.common import Kernel, broadcast, choose, convert, in_float32, is_float, number, wide


def _same(x: jax.Array) -> jax.Array:
    return x


def _abs(x: jax.Array) -> jax.Array:
    return x if np.issubdtype(x.dtype, np.unsignedinteger) else lax.abs(x)


def _round(x: jax.Array) -> jax.Array:
    return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)


def _reciprocal(x: jax.Array) -> jax.Array:
    return lax.div(number(x, 1), x)


def _softplus(x: jax.Array) -> jax.Array:
    return lax.max(x, number(x, 0)) + lax.log1p(lax.exp(-lax.abs(x)))


def _relu(x: jax.Array) -> jax.Array:
    return lax.max(x, number(x, 0))


def cast(x: jax.Array, to: str) -> jax.Array:
    """The numbers in another dtype; a float beyond an integer's range gives the nearest end of it, and NaN gives 0.

    Args:
        x: The array.
        to: The dtype's name.
    """
    dtype = numpy_dtype(to)
    if dtype == np.bool_:
        return lax.ne(x, number(x, 0))
    if is_float(x) and np.issubdtype(dtype, np.integer):
        return _saturated(wide(x), dtype)
    return convert(x, dtype)


def _saturated(x: jax.Array, dtype: np.dtype) -> jax.Array:
    limits = np.iinfo(dtype)
    # In a float the upper end may round up, to a number that is beyond the range: as large is too large.
    low, high = number(x, float(limits.min)), number(x, float(limits.max))
    inside = convert(choose((x > low) & (x < high), x, 0), dtype)
    return choose(x >= high, int(limits.max), choose(x <= low, int(limits.min), inside))


def _divide(x: jax.Array, y: jax.Array) -> jax.Array:
    if is_float(x):
        return lax.div(x, y)
    return choose(y == 0, 0, lax.div(x, choose(y == 0, 1, y)))


def _modulo(x: jax.Array, y: jax.Array) -> jax.Array:
    """The remainder with the sign of the divisor; of integers 0 where that is 0."""
    divisor = y if is_float(x) else choose(y == 0, 1, y)
    rest = lax.rem(x, divisor)
    if np.issubdtype(x.dtype, np.unsignedinteger):
        return choose(y == 0, 0, rest)
    moved = choose((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)
    return moved if is_float(x) else choose(y == 0, 0, moved)


def _power(x: jax.Array, y: jax.Array) -> jax.Array:
    if is_float(x):
        return lax.pow(x, y)
    negative = y < 0
    whole = _whole_power(x, choose(negative, 0, y))
    # 1 / x^n without its fraction: only of 1 and -1 something is left.
    odd = (y & 1) == 1
    inverse = choose(x == 1, number(x, 1), 0)
    if np.issubdtype(x.dtype, np.signedinteger):
        inverse = choose(x == -1, choose(odd, number(x, -1), 1), inverse)
    return choose(negative, inverse, whole)


def _whole_power(x: jax.Array, count: jax.Array) -> jax.Array:
    """By repeated squaring, modulo the dtype's range."""

    def step(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        result, base, left = state
        return (
            choose((left & 1) == 1, result * base, result),
            base * base,
            lax.shift_right_logical(left, number(left, 1)),
        )

    def goes_on(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        return lax.reduce_or(state[2] != 0, tuple(range(count.ndim)))

    return lax.while_loop(goes_on, step, (number(x, 1), x, count))[0]


def _is_infinite(x: jax.Array) -> jax.Array:
    return lax.eq(lax.abs(x), number(x, np.inf))


def _where(condition: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    return choose(condition, x, y)


def _shift(x: jax.Array, amount: jax.Array, direction: str) -> jax.Array:
    """Zeros fill up; an amount of the width or more leaves nothing else."""
    bits = 8 * x.dtype.itemsize
    shift = lax.shift_left if direction == "LEFT" else lax.shift_right_logical
    return choose(amount < bits, shift(x, lax.min(amount, number(amount, bits - 1))), 0)


KERNELS: dict[str, Kernel] = {
    "Neg": lax.neg,
    "Abs": _abs,
    "Sign": lax.sign,
    "Floor": lax.floor,
    "Ceil": lax.ceil,
    "Round": _round,
    "Reciprocal": _reciprocal,
    "Relu": _relu,
    "Identity": _same,
    "StopGradient": _same,
    "Cast": cast,
    "Where": _where,
    "IsNaN": lambda x: lax.ne(x, x),
    "IsInf": _is_infinite,
    "Not": lax.bitwise_not,
    "BitwiseNot": lax.bitwise_not,
    "BitShift": broadcast(_shift),
    **{
        name: in_float32(function)
        for name, function in {
            "Sqrt": lax.sqrt,
            "Exp": lax.exp,
            "Log": lax.log,
            "Sin": lax.sin,
            "Cos": lax.cos,
            "Tan": lax.tan,
            "Asin": lax.asin,
            "Acos": lax.acos,
            "Atan": lax.atan,
            "Sinh": lax.sinh,
            "Cosh": lax.cosh,
            "Tanh": lax.tanh,
            "Asinh": lax.asinh,
            "Acosh": lax.acosh,
            "Atanh": lax.atanh,
            "Erf": lax.erf,
            "Sigmoid": lax.logistic,
            "Softplus": _softplus,
        }.items()
    },
    **{
        name: broadcast(function)
        for name, function in {
            "Add": lax.add,
            "Sub": lax.sub,
            "Mul": lax.mul,
            "Div": _divide,
            "Pow": in_float32(_power),
            "Mod": in_float32(_modulo),
            "Max": lax.max,
            "Min": lax.min,
            "Equal": lax.eq,
            "Less": lax.lt,
            "LessOrEqual": lax.le,
            "Greater": lax.gt,
            "GreaterOrEqual": lax.ge,
            "And": lax.bitwise_and,
            "Or": lax.bitwise_or,
            "Xor": lax.bitwise_xor,
            "BitwiseAnd": lax.bitwise_and,
            "BitwiseOr": lax.bitwise_or,
            "BitwiseXor": lax.bitwise_xor,
        }.items()
    },
}
