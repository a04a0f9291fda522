"""Elementwise arithmetic and analysis: one entry per operator, with NumPy's broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.primitive import DecomposeRule, Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import broadcast_shapes, check_dtype, same_dtype
from cornu.ir.types import DTYPES, FLOATS, NUMBERS, SIGNED, TensorType, is_float, is_integer, numpy_dtype
from cornu.primitives import decompositions as form

UnaryVjp = Callable[[Builder, Value, Value, Value], Value]
BinaryVjp = Callable[[Builder, Value, Value, Value, Value], tuple[Value | None, Value | None]]
UnaryForm = Callable[[Builder, Value], Value]


def sum_to(b: Builder, value: Value, shape: tuple[Any, ...]) -> Value:
    """Undoes a broadcast: sums `value` over the axes along which `shape` was stretched."""
    shape = tuple(b.resolve(dim) for dim in shape)
    have = b.resolve_type(value.type).shape
    if have == shape:
        return value
    extra = len(have) - len(shape)
    stretched = [extra + i for i, dim in enumerate(shape) if dim == 1 and have[extra + i] != 1]
    axes = (*range(extra), *stretched)
    if not axes:
        return value
    summed = b.ReduceSum(value, axes=axes, keepdims=False)
    result: Value = b.Reshape(summed, shape=shape) if stretched else summed
    return result


def unary(
    name: str,
    kernel: Callable[..., Any],
    vjp: UnaryVjp | None,
    dtypes: Sequence[str] = FLOATS,
    form: UnaryForm | None = None,
) -> Primitive:
    """Registers `y = f(x)`; the gradient rule gets `(b, g, x, y)`, and `form` is f in simpler primitives."""

    def infer(x: TensorType) -> TensorType:
        """Shape: that of `x`."""
        check_dtype(x, dtypes, name)
        return x

    def rule(b: Builder, node: Node, g: Value) -> tuple[Value]:
        assert vjp is not None
        return (vjp(b, g, node.inputs[0], node.outputs[0]),)

    def decompose(b: Builder, node: Node) -> tuple[Value]:
        assert form is not None
        return (form(b, node.inputs[0]),)

    return register(Primitive(name, infer, kernel, rule if vjp else None, decompose if form else None))


def binary(
    name: str,
    kernel: Callable[..., Any],
    vjp: BinaryVjp | None,
    dtypes: Sequence[str] = NUMBERS,
    decompose: DecomposeRule | None = None,
) -> Primitive:
    """Registers `z = f(x, y)` with broadcasting; the gradient rule gets `(b, g, x, y, z)` and need not sum back."""

    def infer(x: TensorType, y: TensorType) -> TensorType:
        """Shape: the operands', broadcast as in NumPy; only a literal 1 stretches."""
        check_dtype(x, dtypes, name)
        return TensorType(same_dtype((x, y), name), broadcast_shapes(x.shape, y.shape, what=name))

    def rule(b: Builder, node: Node, g: Value) -> tuple[Value | None, ...]:
        assert vjp is not None
        leaving = vjp(b, g, node.inputs[0], node.inputs[1], node.outputs[0])
        return tuple(
            None if cotangent is None else sum_to(b, cotangent, operand.shape)
            for cotangent, operand in zip(leaving, node.inputs, strict=True)
        )

    return register(Primitive(name, infer, kernel, rule if vjp else None, decompose))


def _quiet(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that follows IEEE arithmetic without NumPy's warnings."""

    def run(*arrays: np.ndarray, **attributes: Any) -> Any:
        with np.errstate(all="ignore"):
            return kernel(*arrays, **attributes)

    return run


def _in_float32(kernel: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """A kernel that computes the 16-bit types in float32."""

    def run(x: np.ndarray) -> Any:
        wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
        with np.errstate(all="ignore"):
            return np.asarray(kernel(wide)).astype(x.dtype, copy=False)

    return run


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype, copy=False))


def positive(b: Builder, x: Value) -> Value:
    """1 where `x > 0`, else 0, in the dtype of `x`."""
    mask: Value = b.Cast(b.Greater(x, 0), to=x.dtype)
    return mask


def _abs_vjp(b: Builder, g: Value, x: Value, y: Value) -> Value:
    """1 from 0 on, -1 below."""
    half: Value = b.Sub(b.Cast(b.GreaterOrEqual(x, 0), to=x.dtype), 0.5)
    return b.Mul(g, b.Add(half, half))  # type: ignore[no-any-return]


def _root_of_one_minus_square(b: Builder, x: Value) -> Value:
    root: Value = b.Sqrt(b.Mul(b.Sub(1, x), b.Add(x, 1)))
    return root


# -- one operand ---------------------------------------------------------------------------------------------------

unary("Neg", np.negative, lambda b, g, x, y: b.Neg(g), FLOATS + SIGNED, lambda b, x: b.Mul(x, -1))
unary("Abs", np.abs, _abs_vjp, NUMBERS, lambda b, x: b.Where(b.Less(x, 0), b.Sub(0, x), x))
unary("Sign", np.sign, None, NUMBERS, form.sign)
unary("Floor", np.floor, None)
unary("Ceil", np.ceil, None, form=lambda b, x: b.Neg(b.Floor(b.Neg(x))))
unary("Round", np.round, None, form=form.round_half_even)
unary("Sqrt", _quiet(np.sqrt), lambda b, g, x, y: b.Div(g, b.Mul(y, 2)))
unary(
    "Reciprocal",
    _quiet(lambda x: (1 / x).astype(x.dtype)),
    lambda b, g, x, y: b.Neg(b.Mul(g, b.Mul(y, y))),
    form=lambda b, x: b.Div(b.constant(1, x.dtype), x),
)
unary("Exp", _quiet(np.exp), lambda b, g, x, y: b.Mul(g, y))
unary("Log", _quiet(np.log), lambda b, g, x, y: b.Div(g, x))
unary("Sin", _quiet(np.sin), lambda b, g, x, y: b.Mul(g, b.Cos(x)))
unary("Cos", _quiet(np.cos), lambda b, g, x, y: b.Neg(b.Mul(g, b.Sin(x))))
unary("Tan", _quiet(np.tan), lambda b, g, x, y: b.Mul(g, b.Add(b.Mul(y, y), 1)), form=form.tan)
unary("Asin", _quiet(np.arcsin), lambda b, g, x, y: b.Div(g, _root_of_one_minus_square(b, x)), form=form.asin)
unary("Acos", _quiet(np.arccos), lambda b, g, x, y: b.Neg(b.Div(g, _root_of_one_minus_square(b, x))), form=form.acos)
unary("Atan", _quiet(np.arctan), lambda b, g, x, y: b.Div(g, b.Add(b.Mul(x, x), 1)), form=form.atan)
unary("Sinh", _quiet(np.sinh), lambda b, g, x, y: b.Mul(g, b.Cosh(x)), form=form.sinh)
unary("Cosh", _quiet(np.cosh), lambda b, g, x, y: b.Mul(g, b.Sinh(x)), form=form.cosh)
unary("Tanh", _quiet(np.tanh), lambda b, g, x, y: b.Mul(g, b.Sub(1, b.Mul(y, y))))
unary("Asinh", _quiet(np.arcsinh), lambda b, g, x, y: b.Div(g, b.Sqrt(b.Add(b.Mul(x, x), 1))), form=form.asinh)
unary("Acosh", _quiet(np.arccosh), lambda b, g, x, y: b.Div(g, b.Sqrt(b.Sub(b.Mul(x, x), 1))), form=form.acosh)
unary("Atanh", _quiet(np.arctanh), lambda b, g, x, y: b.Div(g, b.Sub(1, b.Mul(x, x))), form=form.atanh)
unary(
    "Erf",
    _in_float32(form.erf_kernel),
    lambda b, g, x, y: b.Mul(g, b.Mul(b.Exp(b.Neg(b.Mul(x, x))), 2 / math.sqrt(math.pi))),
    form=form.erf,
)
unary("Sigmoid", _in_float32(_sigmoid), lambda b, g, x, y: b.Mul(g, b.Mul(y, b.Sub(1, y))), form=form.sigmoid)
unary(
    "Softplus",
    _in_float32(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    lambda b, g, x, y: b.Mul(g, b.Sigmoid(x)),
    form=form.softplus,
)
unary(
    "Relu",
    lambda x: np.maximum(x, np.zeros((), x.dtype)),
    lambda b, g, x, y: b.Mul(g, positive(b, y)),  # `y`, so that nobody needs `x` any more
    form=lambda b, x: b.Max(x, 0),
)
unary("Identity", np.copy, lambda b, g, x, y: g, DTYPES, lambda b, x: x)
unary("StopGradient", np.copy, None, DTYPES, lambda b, x: b.Identity(x))


def _infer_cast(x: TensorType, to: str) -> TensorType:
    """Shape: that of `x`."""
    numpy_dtype(to)
    return TensorType(to, x.shape)


def _cast(x: np.ndarray, to: str) -> np.ndarray:
    """A float outside an integer's range saturates and NaN becomes 0, as spec/gradients.md fixes it."""
    if is_integer(to) and x.dtype.kind not in "biu":
        info = np.iinfo(to)
        wide = np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)
        low, high = float(info.min), float(info.max)
        inside = np.trunc(np.where((wide > low) & (wide < high), wide, 0.0)).astype(to)
        return np.where(wide >= high, info.max, np.where(wide <= low, info.min, inside)).astype(to)
    with np.errstate(all="ignore"):
        return x.astype(numpy_dtype(to))


def _cast_vjp(b: Builder, node: Node, g: Value) -> tuple[Value | None]:
    source = node.inputs[0].dtype
    return (b.Cast(g, to=source) if is_float(source) else None,)


register(Primitive("Cast", _infer_cast, _cast, _cast_vjp))


# -- two operands --------------------------------------------------------------------------------------------------


def _divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """IEEE division of floats; integers truncate towards zero and division by 0 gives 0."""
    if x.dtype.kind not in "iu":
        with np.errstate(all="ignore"):
            return np.asarray(x / y)
    safe = np.where(y == 0, np.ones((), y.dtype), y)
    with np.errstate(all="ignore"):
        quotient = x // safe
        exact = quotient * safe == x
    towards_zero = quotient + (~exact & ((x < 0) != (safe < 0))).astype(x.dtype)
    return np.where(y == 0, np.zeros((), x.dtype), towards_zero).astype(x.dtype)


def _modulo(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Python's remainder, with the sign of the divisor; an integer modulo 0 gives 0."""
    with np.errstate(all="ignore"):
        return np.asarray(np.mod(x, y))


def _power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Powers; a negative exponent of integers gives the integer part of the result, and 0 of a power of 0."""
    with np.errstate(all="ignore"):
        if x.dtype.kind not in "iu":
            return np.asarray(np.power(x, y))
        whole = np.power(x, np.maximum(y, np.zeros((), y.dtype)))
        # 1 / x^n, without its fraction: only 1 and -1 leave something (and the lowest integer has no opposite).
        inverse = np.where(np.abs(x) == 1, np.where(y & 1, x, np.ones((), x.dtype)), np.zeros((), x.dtype))
        return np.where(y < 0, inverse, whole).astype(x.dtype)


def _power_vjp(b: Builder, g: Value, x: Value, y: Value, z: Value) -> tuple[Value, Value]:
    one = b.constant(1, y.dtype)
    # y * x^(y-1) is 0 * inf at x = 0, y = 0; the exponent 1 there gives the right 0.
    exponent = b.Where(b.Equal(y, 0), one, b.Sub(y, 1))
    base = b.Where(b.Greater(x, 0), x, b.constant(1, x.dtype))
    by_exponent = b.Where(b.Greater(x, 0), b.Mul(z, b.Log(base)), b.constant(0, z.dtype))
    return b.Mul(g, b.Mul(y, b.Pow(x, exponent))), b.Mul(g, by_exponent)


def _choice_vjp(first: Callable[[Builder, Value, Value], Value]) -> BinaryVjp:
    """Maximum and minimum: the chosen operand gets the cotangent; at a tie each gets half."""

    def rule(b: Builder, g: Value, x: Value, y: Value, z: Value) -> tuple[Value, Value]:
        tie = b.Cast(b.Equal(x, y), to=x.dtype)
        left = b.Sub(b.Cast(first(b, x, y), to=x.dtype), b.Mul(tie, 0.5))
        return b.Mul(g, left), b.Mul(g, b.Sub(1, left))

    return rule


def _modulo_vjp(b: Builder, g: Value, x: Value, y: Value, z: Value) -> tuple[Value, Value]:
    return g, b.Neg(b.Mul(g, b.Floor(b.Div(x, y))))


binary("Add", _quiet(np.add), lambda b, g, x, y, z: (g, g))
binary("Sub", _quiet(np.subtract), lambda b, g, x, y, z: (g, b.Neg(g)))
binary("Mul", _quiet(np.multiply), lambda b, g, x, y, z: (b.Mul(g, y), b.Mul(g, x)))
binary("Div", _divide, lambda b, g, x, y, z: (b.Div(g, y), b.Neg(b.Div(b.Mul(g, z), y))))
binary("Pow", _power, _power_vjp)
binary("Mod", _modulo, _modulo_vjp, decompose=form.modulo)
binary("Max", np.maximum, _choice_vjp(lambda b, x, y: b.GreaterOrEqual(x, y)), decompose=form.choice(larger=True))
binary("Min", np.minimum, _choice_vjp(lambda b, x, y: b.LessOrEqual(x, y)), decompose=form.choice(larger=False))


def _infer_where(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    """Shape: the three operands', broadcast."""
    check_dtype(condition, ("bool",), "Where's condition")
    return TensorType(same_dtype((x, y), "Where"), broadcast_shapes(condition.shape, x.shape, y.shape, what="Where"))


def _where_vjp(b: Builder, node: Node, g: Value) -> tuple[Value | None, ...]:
    condition, x, y = node.inputs
    zero = b.constant(0, g.dtype)
    return (
        None,
        sum_to(b, b.Where(condition, g, zero), x.shape),
        sum_to(b, b.Where(condition, zero, g), y.shape),
    )


register(Primitive("Where", _infer_where, np.where, _where_vjp, form.where, partly=True))
