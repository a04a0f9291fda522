"""Running sums and products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.primitive import DecomposeRule, Primitive, VjpRule, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_axes, check_dtype
from cornu.ir.types import NUMBERS, TensorType
from cornu.primitives.movement import flip
from cornu.primitives.windows import pad_axis


def _cumulative(
    name: str, function: Callable[..., Any], start: int, vjp: VjpRule, decompose: DecomposeRule | None
) -> None:
    """Registers `y[i] = x[0] ∘ ... ∘ x[i]` along an axis.

    With `exclusive` the last operand is left out and the first result is `start`; with `reverse` it runs from the end.
    """

    def infer(x: TensorType, axis: int, exclusive: bool, reverse: bool) -> TensorType:
        """Shape: that of `x`."""
        check_dtype(x, NUMBERS, name)
        check_axes((axis,), x.rank, name)
        return x

    def kernel(x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
        wide = x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x
        wide = np.flip(wide, axis) if reverse else wide
        if exclusive:
            first = np.full_like(np.take(wide, np.arange(min(1, wide.shape[axis])), axis), start)
            wide = np.concatenate([first, np.take(wide, np.arange(wide.shape[axis] - 1), axis)], axis)
        with np.errstate(all="ignore"):
            result = function(wide, axis=axis, dtype=wide.dtype)
        return np.asarray(np.flip(result, axis) if reverse else result).astype(x.dtype, copy=False)

    register(Primitive(name, infer, kernel, vjp, decompose))


def _sum_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    a = node.attributes
    return (b.CumSum(g, axis=a["axis"], exclusive=a["exclusive"], reverse=not a["reverse"]),)


def _forward(b: Builder, axis: int, reverse: bool, *values: Value) -> list[Value]:
    return [flip(b, value, (axis,)) if reverse else value for value in values]


def _shift(b: Builder, x: Value, axis: int, amount: int, fill: float) -> Value:
    """`y[i] = x[i - amount]`, and `fill` where there is no such element."""
    size = b.resolve_type(x.type).shape[axis]
    before, after = max(amount, 0), max(-amount, 0)
    padded = pad_axis(b, x, axis, before, after, fill)
    shifted: Value = b.Slice(padded, starts=(after,), ends=(size + after,), axes=(axis,), steps=(1,))
    return shifted


def _product_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """`dx[j] = prod(x[:j]) * r[j]` with `r[j] = g[j] + x[j + 1] * r[j + 1]`: no division, so zeros are right."""
    a = node.attributes
    axis = a["axis"]
    x, g = _forward(b, axis, a["reverse"], node.inputs[0], g)
    if a["exclusive"]:
        g = _shift(b, g, axis, -1, 0.0)
    before = b.CumProd(x, axis=axis, exclusive=True, reverse=False)
    behind = _recurrence(b, g, _shift(b, x, axis, -1, 0.0), axis)
    return (_forward(b, axis, a["reverse"], b.Mul(before, behind))[0],)


def _recurrence(b: Builder, g: Value, factor: Value, axis: int) -> Value:
    """`r[j] = g[j] + factor[j] * r[j + 1]` along an axis, 0 beyond its end."""
    type = b.resolve_type(g.type)
    order = (axis, *(i for i in range(type.rank) if i != axis))
    rows = [b.Transpose(value, perm=order) for value in (g, factor)]
    row = TensorType(type.dtype, tuple(type.shape[i] for i in order[1:]))
    body = Builder("recurrence", b)
    carry, step, scale = (body.input(row, name) for name in ("r", "g", "factor"))
    following = body.Add(step, body.Mul(scale, carry))
    program = body.finish([following, body.Identity(following)])
    attributes = {"body": program, "carries": 1, "sequences": 2, "length": type.shape[axis], "reverse": True}
    stacked = b.emit("Scan", [b.zeros(row), *rows], attributes)[1]
    return b.Transpose(stacked, perm=tuple(order.index(i) for i in range(type.rank)))  # type: ignore[no-any-return]


def _product_decompose(b: Builder, node: Node) -> tuple[Value]:
    """Doubling over a known length (`y[i] *= y[i - 1]`, `y[i - 2]`, `y[i - 4]`, ...), else a scan."""
    a = node.attributes
    axis = a["axis"]
    (x,) = _forward(b, axis, a["reverse"], node.inputs[0])
    if a["exclusive"]:
        x = _shift(b, x, axis, 1, 1.0)
    size = b.resolve_type(x.type).shape[axis]
    if not isinstance(size, int):
        return (_forward(b, axis, a["reverse"], _scanned_product(b, x, axis))[0],)
    reach = 1
    while reach < size:
        x = b.Mul(x, _shift(b, x, axis, reach, 1.0))
        reach *= 2
    return (_forward(b, axis, a["reverse"], x)[0],)


def _scanned_product(b: Builder, x: Value, axis: int) -> Value:
    type = b.resolve_type(x.type)
    order = (axis, *(i for i in range(type.rank) if i != axis))
    row = TensorType(type.dtype, tuple(type.shape[i] for i in order[1:]))
    body = Builder("product", b)
    carry, element = body.input(row, "product"), body.input(row, "x")
    following = body.Mul(carry, element)
    program = body.finish([following, body.Identity(following)])
    attributes = {"body": program, "carries": 1, "sequences": 1, "length": type.shape[axis], "reverse": False}
    stacked = b.emit("Scan", [b.full(row.shape, 1, row.dtype), b.Transpose(x, perm=order)], attributes)[1]
    return b.Transpose(stacked, perm=tuple(order.index(i) for i in range(type.rank)))  # type: ignore[no-any-return]


_cumulative("CumSum", np.cumsum, 0, _sum_vjp, None)
_cumulative("CumProd", np.cumprod, 1, _product_vjp, _product_decompose)
