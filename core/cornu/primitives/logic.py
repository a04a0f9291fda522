"""Comparison, logic and bits: operators without a derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.primitive import Primitive, register
from cornu.ir.shapes import broadcast_shapes, check_dtype, same_dtype
from cornu.ir.types import DTYPES, FLOATS, INTEGERS, NUMBERS, UNSIGNED, TensorType
from cornu.primitives.elementwise import binary, unary


def _compare(name: str, kernel: Callable[..., Any], dtypes: Sequence[str]) -> None:
    def infer(x: TensorType, y: TensorType) -> TensorType:
        check_dtype(x, dtypes, name)
        same_dtype((x, y), name)
        return TensorType("bool", broadcast_shapes(x.shape, y.shape, what=name))

    register(Primitive(name, infer, kernel))


def _classify(name: str, kernel: Callable[..., Any]) -> None:
    def infer(x: TensorType) -> TensorType:
        check_dtype(x, FLOATS, name)
        return TensorType("bool", x.shape)

    register(Primitive(name, infer, kernel))


_compare("Equal", np.equal, DTYPES)
_compare("Less", np.less, NUMBERS)
_compare("LessOrEqual", np.less_equal, NUMBERS)
_compare("Greater", np.greater, NUMBERS)
_compare("GreaterOrEqual", np.greater_equal, NUMBERS)
_classify("IsNaN", np.isnan)
_classify("IsInf", np.isinf)

unary("Not", np.logical_not, None, ("bool",))
binary("And", np.logical_and, None, ("bool",))
binary("Or", np.logical_or, None, ("bool",))
binary("Xor", np.logical_xor, None, ("bool",))

unary("BitwiseNot", np.invert, None, INTEGERS)
binary("BitwiseAnd", np.bitwise_and, None, INTEGERS)
binary("BitwiseOr", np.bitwise_or, None, INTEGERS)
binary("BitwiseXor", np.bitwise_xor, None, INTEGERS)


def _infer_shift(x: TensorType, amount: TensorType, direction: str) -> TensorType:
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
