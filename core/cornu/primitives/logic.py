"""Comparison, logic and bits: operators without a derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.primitive import DecomposeRule, Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import broadcast_shapes, check_dtype, same_dtype
from cornu.ir.types import DTYPES, FLOATS, INTEGERS, NUMBERS, UNSIGNED, TensorType, numpy_dtype
from cornu.primitives.elementwise import binary, unary


def _compare(
    name: str, kernel: Callable[..., Any], dtypes: Sequence[str], form: Callable[..., Value] | None = None
) -> None:
    def infer(x: TensorType, y: TensorType) -> TensorType:
        """Shape: the operands', broadcast; of bool."""
        check_dtype(x, dtypes, name)
        same_dtype((x, y), name)
        return TensorType("bool", broadcast_shapes(x.shape, y.shape, what=name))

    register(Primitive(name, infer, kernel, decompose=_in_terms_of(form)))


def _in_terms_of(form: Callable[..., Value] | None) -> DecomposeRule | None:
    return None if form is None else lambda b, node: (form(b, *node.inputs),)


def _classify(name: str, kernel: Callable[..., Any], form: Callable[..., Value]) -> None:
    def infer(x: TensorType) -> TensorType:
        """Shape: that of `x`; of bool."""
        check_dtype(x, FLOATS, name)
        return TensorType("bool", x.shape)

    register(Primitive(name, infer, kernel, decompose=_in_terms_of(form)))


_compare("Equal", np.equal, DTYPES)
_compare("Less", np.less, NUMBERS)
_compare("LessOrEqual", np.less_equal, NUMBERS, lambda b, x, y: b.Or(b.Less(x, y), b.Equal(x, y)))
_compare("Greater", np.greater, NUMBERS, lambda b, x, y: b.Less(y, x))
_compare("GreaterOrEqual", np.greater_equal, NUMBERS, lambda b, x, y: b.LessOrEqual(y, x))
_classify("IsNaN", np.isnan, lambda b, x: b.Not(b.Equal(x, x)))
_classify("IsInf", np.isinf, lambda b, x: b.Equal(b.Abs(x), float("inf")))

unary("Not", np.logical_not, None, ("bool",))
binary("And", np.logical_and, None, ("bool",))
binary("Or", np.logical_or, None, ("bool",), lambda b, node: (b.Not(b.And(*map(b.Not, node.inputs))),))
binary("Xor", np.logical_xor, None, ("bool",), lambda b, node: (b.Not(b.Equal(*node.inputs)),))


def _inverted(b: Builder, x: Value) -> Value:
    """All bits set, minus those of `x`: of unsigned integers that is the largest number, of signed ones -1."""
    ones = np.iinfo(numpy_dtype(x.dtype)).max if x.dtype in UNSIGNED else -1
    return b.Sub(b.constant(ones, x.dtype), x)  # type: ignore[no-any-return]


def _either(b: Builder, x: Value, y: Value) -> Value:
    return b.BitwiseNot(b.BitwiseAnd(b.BitwiseNot(x), b.BitwiseNot(y)))  # type: ignore[no-any-return]


def _one_of(b: Builder, x: Value, y: Value) -> Value:
    return b.BitwiseAnd(b.BitwiseOr(x, y), b.BitwiseNot(b.BitwiseAnd(x, y)))  # type: ignore[no-any-return]


unary("BitwiseNot", np.invert, None, INTEGERS, _inverted)
binary("BitwiseAnd", np.bitwise_and, None, INTEGERS)
binary("BitwiseOr", np.bitwise_or, None, INTEGERS, _in_terms_of(_either))
binary("BitwiseXor", np.bitwise_xor, None, INTEGERS, _in_terms_of(_one_of))


def _infer_shift(x: TensorType, amount: TensorType, direction: str) -> TensorType:
    """Shape: the operands', broadcast."""
    check_dtype(x, UNSIGNED, "BitShift")
    if direction not in ("LEFT", "RIGHT"):
        raise ValueError(f"BitShift's direction is LEFT or RIGHT, got {direction!r}.")
    return TensorType(same_dtype((x, amount), "BitShift"), broadcast_shapes(x.shape, amount.shape, what="BitShift"))


def _shift(x: np.ndarray, amount: np.ndarray, direction: str) -> np.ndarray:
    """Logical shifts; an amount of the width or more gives 0."""
    bits = 8 * x.dtype.itemsize
    shift = np.left_shift if direction == "LEFT" else np.right_shift
    return np.where(amount < bits, shift(x, np.minimum(amount, bits - 1)), np.zeros((), x.dtype)).astype(x.dtype)


def _shift_decompose(b: Builder, node: Node) -> tuple[Value]:
    """A product with, or a division by, a power of two from a table, whose last entry stands for all larger ones."""
    x, amount = node.inputs
    bits = 8 * numpy_dtype(x.dtype).itemsize
    powers = b.constant(np.array([*(1 << i for i in range(bits)), 0], numpy_dtype(x.dtype)))
    power = b.Gather(powers, b.Cast(b.Min(amount, b.constant(bits, x.dtype)), to="int64"), axis=0)
    return (b.Mul(x, power) if node.attributes["direction"] == "LEFT" else b.Div(x, power),)


register(Primitive("BitShift", _infer_shift, _shift, decompose=_shift_decompose))
