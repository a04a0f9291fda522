"""Integer tensors whose elements are known while reading: numbers and expressions of sizes.

ONNX computes shapes with ordinary operators. Carrying such tensors along as arrays of `Dim`s turns what feeds a
Reshape, Expand, Slice, Pad or Range back into attributes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cornu.ir.dim import Dim, DimLike, at_least, floor_div, maximum, symbol
from cornu.ir.types import is_integer

LARGEST_KNOWN = 1024
"""Longer integer constants are data, not shapes."""

_LONGEST_TEXT = 256


class TooManyError(Exception):
    """More integers than shapes have: they are computed by the program, not while reading."""


def check_count(*shape: DimLike) -> None:
    """Checks that a tensor is small enough to be carried along.

    Raises:
        TooManyError: If it is not.
    """
    count: DimLike = 1
    for size in shape:
        count = count * size
    if isinstance(count, Dim) or count > LARGEST_KNOWN:
        raise TooManyError(count)


@dataclass(frozen=True)
class Ints:
    """A tensor of known integers.

    Args:
        values: An object array of ints and `Dim`s (of Python bools for the dtype bool).
        dtype: The tensor's dtype.
    """

    values: np.ndarray
    dtype: str

    @staticmethod
    def of(values: object, dtype: str = "int64") -> Ints:
        """From nested sequences, arrays or a single size."""
        if isinstance(values, np.ndarray) and values.dtype != object:
            values = np.array(values.tolist(), object).reshape(values.shape)
        return Ints(np.asarray(values, object), dtype)

    @property
    def static(self) -> bool:
        """True where every element is a number."""
        return not any(isinstance(value, Dim) for value in self.values.ravel())

    def tuple(self) -> tuple[DimLike, ...]:
        """The elements in order."""
        return tuple(self.values.ravel())

    def map(self, function: Callable[..., object], *others: Ints, dtype: str = "") -> Ints:
        """The elementwise result with broadcasting."""
        check_count(*np.broadcast_shapes(self.values.shape, *(other.values.shape for other in others)))
        arrays = np.broadcast_arrays(self.values, *(other.values for other in others))
        result = np.empty(arrays[0].shape, object)
        for index in np.ndindex(arrays[0].shape):
            result[index] = function(*(array[index] for array in arrays))
        return Ints(result, dtype or self.dtype)


def ints_of(array: np.ndarray) -> Ints | None:
    """An array's elements, where it may hold sizes."""
    name = array.dtype.name
    if array.size > LARGEST_KNOWN or not (is_integer(name) or name == "bool"):
        return None
    return Ints.of(array, name)


def divide(left: DimLike, right: DimLike) -> DimLike:
    """ONNX's integer division; it truncates, which only negative numbers show."""
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return floor_div(left, right)


def minimum(left: DimLike, right: DimLike) -> DimLike:
    """The smaller of two sizes."""
    return -maximum(-left, -right)


def compare(left: DimLike, right: DimLike) -> bool | None:
    """Whether two sizes are equal, or None where that is open."""
    difference = left - right
    if isinstance(difference, int):
        return difference == 0
    if at_least(left, right + 1) or at_least(right, left + 1):
        return False
    return None


def parse_dim(text: str) -> DimLike:
    """A named dimension as an expression; a name that is none is a symbol of that name.

    Raises:
        ValueError: If the name is absurdly long.
    """
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"A dimension's name must have at most {_LONGEST_TEXT} characters, got {text[:40]!r}...")
    if text.isidentifier():
        return symbol(text)
    try:
        return _expression(ast.parse(text, mode="eval").body)
    except (MemoryError, RecursionError, SyntaxError, ValueError, ZeroDivisionError):
        return symbol(text)


def _expression(node: ast.expr) -> DimLike:
    match node:
        case ast.Name(id=name):
            return symbol(name)
        case ast.Constant(value=int(value)):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_expression(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(_expression(left), operator, _expression(right))
        case ast.Call(func=ast.Name(id="max"), args=[first, second]):
            return maximum(_expression(first), _expression(second))
    raise ValueError(ast.dump(node))


def _combined(left: DimLike, operator: ast.operator, right: DimLike) -> DimLike:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv():
            return floor_div(left, right)
    raise ValueError(ast.dump(operator))
