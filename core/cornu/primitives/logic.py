"""Comparison, logic and bits: operators without a derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.primitive import DecomposeRule, Primitive, register
from cornu.ir.program import Value
from cornu.ir.shapes import broadcast_shapes, check_dtype, same_dtype
from cornu.ir.types import DTYPES, FLOATS, INTEGERS, NUMBERS, UNSIGNED, TensorType
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
binary("Or", np.logical_or, None, ("bool",))
binary("Xor", np.logical_xor, None, ("bool",), lambda b, node: (b.Not(b.Equal(*node.inputs)),))

unary("BitwiseNot", np.invert, None, INTEGERS)
binary("BitwiseAnd", np.bitwise_and, None, INTEGERS)
binary("BitwiseOr", np.bitwise_or, None, INTEGERS)
binary("BitwiseXor", np.bitwise_xor, None, INTEGERS)


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


register(Primitive("BitShift", _infer_shift, _shift))
