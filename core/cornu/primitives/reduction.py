"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, product
from cornu.ir.primitive import Primitive, VjpRule, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_axes, check_dtype
from cornu.ir.types import FLOATS, NUMBERS, TensorType

Axes = tuple[int, ...]


def reduced_shape(shape: tuple[DimLike, ...], axes: Sequence[int], keepdims: bool) -> tuple[DimLike, ...]:
    """The shape after a reduction."""
    if keepdims:
        return tuple(1 if i in axes else dim for i, dim in enumerate(shape))
    return tuple(dim for i, dim in enumerate(shape) if i not in axes)


def expanded(b: Builder, node: Node, value: Value) -> Value:
    """`value`, of the reduced shape, broadcast back over the reduced axes of the node's input."""
    shape = b.resolve_type(node.inputs[0].type).shape
    kept = b.Reshape(value, shape=reduced_shape(shape, node.attributes["axes"], keepdims=True))
    stretched: Value = b.Expand(kept, shape=shape)
    return stretched


def _reduction(name: str, kernel: Callable[..., Any], vjp: VjpRule, dtypes: Sequence[str] = NUMBERS) -> None:
    def infer(x: TensorType, axes: Axes, keepdims: bool) -> TensorType:
        check_dtype(x, dtypes, name)
        check_axes(axes, x.rank, name)
        return TensorType(x.dtype, reduced_shape(x.shape, axes, keepdims))

    register(Primitive(name, infer, kernel, vjp))


def _accumulate(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that accumulates the 16-bit floats in float32 and keeps every dtype."""

    def run(x: np.ndarray, axes: Axes, keepdims: bool) -> np.ndarray:
        wide = np.dtype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x.dtype
        with np.errstate(all="ignore"):
            return np.asarray(function(x.astype(wide, copy=False), axis=axes, keepdims=keepdims, dtype=wide)).astype(
                x.dtype, copy=False
            )

    return run


def _extreme(function: Callable[..., Any], largest: bool) -> Callable[..., Any]:
    """A kernel of a maximum or minimum, where nothing gives the dtype's own extreme."""

    def run(x: np.ndarray, axes: Axes, keepdims: bool) -> np.ndarray:
        if x.dtype.kind in "iu":
            start: Any = np.iinfo(x.dtype).min if largest else np.iinfo(x.dtype).max
        else:
            start = -np.inf if largest else np.inf
        return np.asarray(function(x, axis=axes, keepdims=keepdims, initial=x.dtype.type(start)))

    return run


def _sum_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    return (expanded(b, node, g),)


def _mean_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    x = node.inputs[0]
    count = product([b.resolve(x.shape[axis]) for axis in node.attributes["axes"]])
    return (expanded(b, node, b.Div(g, b.Cast(b.DimValue(size=count), to=x.dtype))),)


def _extreme_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """The cotangent is shared equally by all elements that attain the extreme."""
    x, y = node.inputs[0], node.outputs[0]
    mask = b.Cast(b.Equal(x, expanded(b, node, y)), to=x.dtype)
    count = b.ReduceSum(mask, axes=node.attributes["axes"], keepdims=node.attributes["keepdims"])
    return (b.Mul(mask, expanded(b, node, b.Div(g, count))),)


def _product_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """The product of the others: running products from both sides, so that zeros are right."""
    x, axes = node.inputs[0], node.attributes["axes"]
    shape = b.resolve_type(x.type).shape
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    order = (*kept, *axes)
    flat_shape = (*(shape[i] for i in kept), product([shape[i] for i in axes]))
    flat = b.Reshape(b.Transpose(x, perm=order), shape=flat_shape)
    axis = len(kept)
    others = b.Mul(
        b.CumProd(flat, axis=axis, exclusive=True, reverse=False),
        b.CumProd(flat, axis=axis, exclusive=True, reverse=True),
    )
    back = b.Reshape(others, shape=tuple(shape[i] for i in order))
    inverse = tuple(order.index(i) for i in range(len(shape)))
    return (b.Mul(expanded(b, node, g), b.Transpose(back, perm=inverse)),)


_reduction("ReduceSum", _accumulate(np.sum), _sum_vjp)
_reduction("ReduceMean", _accumulate(np.mean), _mean_vjp, FLOATS)
_reduction("ReduceProd", _accumulate(np.prod), _product_vjp)
_reduction("ReduceMax", _extreme(np.max, largest=True), _extreme_vjp)
_reduction("ReduceMin", _extreme(np.min, largest=False), _extreme_vjp)


def _argument(name: str, function: Callable[..., Any]) -> None:
    """The index of the first extreme along an axis, as int64."""

    def infer(x: TensorType, axis: int, keepdims: bool) -> TensorType:
        check_dtype(x, NUMBERS, name)
        check_axes((axis,), x.rank, name)
        return TensorType("int64", reduced_shape(x.shape, (axis,), keepdims))

    def kernel(x: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
        return np.asarray(function(x, axis=axis, keepdims=keepdims)).astype(np.int64)

    register(Primitive(name, infer, kernel))


_argument("ArgMax", np.argmax)
_argument("ArgMin", np.argmin)
