"""Softmax and its logarithm along one axis."""

from __future__ import annotations

from typing import Any

from cornu.ops.arguments import emit
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor


def shifted_exp(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """`x` minus its maximum, and the exponentials of that: no overflow."""
    shifted = emit("Sub", x, emit("ReduceMax", x, axes=(axis,), keepdims=True))
    return shifted, emit("Exp", shifted)


def total(x: Tensor, axis: int) -> Any:
    """The sum along an axis, which stays with size 1."""
    return emit("ReduceSum", x, axes=(axis,), keepdims=True)


def softmax(x: Tensor, axis: int) -> Any:
    """`exp(x) / sum(exp(x))` along an axis; the node is named "Softmax".

    Its gradient needs only the result: `dx = y (g - sum(g y))`.

    Args:
        x: A float tensor.
        axis: The axis, counted from the front.
    """

    def body(x: Tensor) -> tuple[Any, Any]:
        powers = shifted_exp(x, axis)[1]
        y = emit("Div", powers, total(powers, axis))
        return y, (y,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (y,), (g,) = saved, cotangents
        weighted = emit("Mul", g, y)
        return emit("Sub", weighted, emit("Mul", y, total(weighted, axis)))

    return composite("Softmax", body, x, vjp=rule, residuals=True, axis=axis)


def log_softmax(x: Tensor, axis: int) -> Any:
    """`x - log(sum(exp(x)))` along an axis; the node is named "LogSoftmax".

    Its gradient needs only the result: `dx = g - exp(y) sum(g)`.

    Args:
        x: A float tensor.
        axis: The axis, counted from the front.
    """

    def body(x: Tensor) -> tuple[Any, Any]:
        shifted, powers = shifted_exp(x, axis)
        y = emit("Sub", shifted, emit("Log", total(powers, axis)))
        return y, (y,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (y,), (g,) = saved, cotangents
        return emit("Sub", g, emit("Mul", emit("Exp", y), total(g, axis)))

    return composite("LogSoftmax", body, x, vjp=rule, residuals=True, axis=axis)
