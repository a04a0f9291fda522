"""Primitives as functions of tensors, for writing composites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.ir.dim import product
from cornu.tracing.tensor import Tensor, apply, dims


def one(op: str, *inputs: Any, **attributes: Any) -> Tensor:
    """A primitive with one result."""
    result = apply(op, *inputs, **attributes)
    assert isinstance(result, Tensor)
    return result


def add(x: Any, y: Any) -> Tensor:
    """`x + y`."""
    return one("Add", x, y)


def sub(x: Any, y: Any) -> Tensor:
    """`x - y`."""
    return one("Sub", x, y)


def mul(x: Any, y: Any) -> Tensor:
    """`x * y`."""
    return one("Mul", x, y)


def div(x: Any, y: Any) -> Tensor:
    """`x / y`."""
    return one("Div", x, y)


def total(x: Tensor, axes: Sequence[int], keepdims: bool = True) -> Tensor:
    """The sum over axes."""
    return one("ReduceSum", x, axes=tuple(axes), keepdims=keepdims)


def mean(x: Tensor, axes: Sequence[int], keepdims: bool = True) -> Tensor:
    """The mean over axes."""
    return one("ReduceMean", x, axes=tuple(axes), keepdims=keepdims)


def count(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The number of elements along axes, in the dtype of `x`."""
    return one("Cast", one("DimValue", size=product([dims(x)[axis] for axis in axes])), to=x.dtype)
