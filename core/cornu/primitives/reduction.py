"""Reductions over axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, product
from cornu.ir.primitive import DecomposeRule, Primitive, VjpRule, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_axes, check_dtype
from cornu.ir.types import FLOATS, NUMBERS, TensorType, is_float

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


def _reduction(
    name: str,
    kernel: Callable[..., Any],
    vjp: VjpRule,
    dtypes: Sequence[str] = NUMBERS,
    decompose: DecomposeRule | None = None,
) -> None:
    def infer(x: TensorType, axes: Axes, keepdims: bool) -> TensorType:
        """Shape: that of `x` without `axes`, or with size 1 there where `keepdims` holds."""
        check_dtype(x, dtypes, name)
        check_axes(axes, x.rank, name)
        return TensorType(x.dtype, reduced_shape(x.shape, axes, keepdims))

    register(Primitive(name, infer, kernel, vjp, decompose))


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


def _mean(x: np.ndarray, axis: Axes, keepdims: bool, dtype: np.dtype) -> np.ndarray:
    """The sum over the count; NaN of nothing."""
    total = np.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)
    return np.asarray(total / dtype.type(math.prod(x.shape[i] for i in axis)))


def _sum_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    return (expanded(b, node, g),)


def _count(b: Builder, node: Node) -> Value:
    """How many elements each result is made of."""
    x = node.inputs[0]
    size = product([b.resolve(x.shape[axis]) for axis in node.attributes["axes"]])
    count: Value = b.constant(size, x.dtype) if isinstance(size, int) else b.Cast(b.DimValue(size=size), to=x.dtype)
    return count


def _mean_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    return (expanded(b, node, b.Div(g, _count(b, node))),)


def _mean_decompose(b: Builder, node: Node) -> tuple[Value]:
    return (b.Div(b.ReduceSum(node.inputs[0], **node.attributes), _count(b, node)),)


def _extreme_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """The cotangent is shared equally by all elements that attain the extreme."""
    x, y = node.inputs[0], node.outputs[0]
    mask = b.Cast(b.Equal(x, expanded(b, node, y)), to=x.dtype)
    count = b.ReduceSum(mask, axes=node.attributes["axes"], keepdims=node.attributes["keepdims"])
    return (b.Mul(mask, expanded(b, node, b.Div(g, count))),)


def _flattened(b: Builder, node: Node) -> tuple[Value, Axes]:
    """The input with the reduced axes as one at the end, and the order that its axes were brought into."""
    x, axes = node.inputs[0], node.attributes["axes"]
    shape = b.resolve_type(x.type).shape
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    order = (*kept, *axes)
    flat_shape = (*(shape[i] for i in kept), product([shape[i] for i in axes]))
    return b.Reshape(b.Transpose(x, perm=order), shape=flat_shape), order


def _product_decompose(b: Builder, node: Node) -> tuple[Value]:
    """What a running product ends with; one more element makes that right of nothing, too."""
    flat, _ = _flattened(b, node)
    *kept, size = b.resolve_type(flat.type).shape
    before, after = (0,) * len(kept), (0,) * len(kept)
    longer = b.Pad(flat, before=(*before, 0), after=(*after, 1), value=1.0, mode="constant")
    running = b.CumProd(longer, axis=len(kept), exclusive=True, reverse=False)
    last = b.Slice(running, starts=(size,), ends=(size + 1,), axes=(len(kept),), steps=(1,))
    return (b.Reshape(last, shape=b.resolve_type(node.outputs[0].type).shape),)


def _product_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """The product of the others: running products from both sides, so that zeros are right."""
    shape = b.resolve_type(node.inputs[0].type).shape
    flat, order = _flattened(b, node)
    axis = flat.type.rank - 1
    others = b.Mul(
        b.CumProd(flat, axis=axis, exclusive=True, reverse=False),
        b.CumProd(flat, axis=axis, exclusive=True, reverse=True),
    )
    back = b.Reshape(others, shape=tuple(shape[i] for i in order))
    inverse = tuple(order.index(i) for i in range(len(shape)))
    return (b.Mul(expanded(b, node, g), b.Transpose(back, perm=inverse)),)


def _turned(b: Builder, x: Value) -> Value:
    """What is largest where `x` is smallest, and `x` again of that."""
    return b.Neg(x) if is_float(x.dtype) else b.BitwiseNot(x)  # type: ignore[no-any-return]


def _min_decompose(b: Builder, node: Node) -> tuple[Value]:
    return (_turned(b, b.ReduceMax(_turned(b, node.inputs[0]), **node.attributes)),)


_reduction("ReduceSum", _accumulate(np.sum), _sum_vjp)
_reduction("ReduceMean", _accumulate(_mean), _mean_vjp, FLOATS, _mean_decompose)
_reduction("ReduceProd", _accumulate(np.prod), _product_vjp, decompose=_product_decompose)
_reduction("ReduceMax", _extreme(np.max, largest=True), _extreme_vjp)
_reduction("ReduceMin", _extreme(np.min, largest=False), _extreme_vjp, decompose=_min_decompose)


def _argument(name: str, function: Callable[..., Any], decompose: DecomposeRule) -> None:
    """The index of the first extreme along an axis, as int64."""

    def infer(x: TensorType, axis: int, keepdims: bool) -> TensorType:
        """Shape: that of `x` without `axis`, or with size 1 there where `keepdims` holds; of int64."""
        check_dtype(x, NUMBERS, name)
        check_axes((axis,), x.rank, name)
        return TensorType("int64", reduced_shape(x.shape, (axis,), keepdims))

    def kernel(x: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
        return np.asarray(function(x, axis=axis, keepdims=keepdims)).astype(np.int64)

    register(Primitive(name, infer, kernel, decompose=decompose))


def _arg_max_decompose(b: Builder, node: Node) -> tuple[Value]:
    """The first of the elements in order."""
    axis = node.attributes["axis"]
    _, places = b.emit("TopK", node.inputs, {"k": 1, "axis": axis, "largest": True, "sorted": True})
    return (b.Reshape(places, shape=b.resolve_type(node.outputs[0].type).shape),)


def _arg_min_decompose(b: Builder, node: Node) -> tuple[Value]:
    return (b.ArgMax(_turned(b, node.inputs[0]), **node.attributes),)


_argument("ArgMax", np.argmax, _arg_max_decompose)
_argument("ArgMin", np.argmin, _arg_min_decompose)
