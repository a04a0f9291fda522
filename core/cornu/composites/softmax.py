"""Softmax, its logarithm, and crossentropies of logits."""

from __future__ import annotations

from typing import Any

from cornu.composites.arithmetic import div, mul, one, sub, total
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor, dims


def _shifted(x: Tensor, axis: int) -> Tensor:
    return sub(x, one("ReduceMax", x, axes=(axis,), keepdims=True))


def softmax(x: Tensor, axis: int) -> Any:
    """`exp(x) / sum(exp(x))` along an axis (counted from the front)."""

    def forward(x: Tensor) -> Any:
        e = one("Exp", _shifted(x, axis))
        y = div(e, total(e, (axis,)))
        return y, (y,)

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (y,), (g,) = saved, cotangents
        gy = mul(g, y)
        return (sub(gy, mul(y, total(gy, (axis,)))),)

    return composite("Softmax", forward, x, vjp=backward, residuals=True, axis=axis)


def log_softmax(x: Tensor, axis: int) -> Any:
    """`x - log(sum(exp(x)))` along an axis (counted from the front)."""

    def forward(x: Tensor) -> Any:
        y = _log_softmax(x, axis)
        return y, (y,)

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (y,), (g,) = saved, cotangents
        return (sub(g, mul(one("Exp", y), total(g, (axis,)))),)

    return composite("LogSoftmax", forward, x, vjp=backward, residuals=True, axis=axis)


def _log_softmax(x: Tensor, axis: int) -> Tensor:
    shifted = _shifted(x, axis)
    return sub(shifted, one("Log", total(one("Exp", shifted), (axis,))))


def softmax_crossentropy(target: Tensor, logits: Tensor, axis: int) -> Any:
    """`-sum(target * log_softmax(logits))` along an axis, which the result lacks.

    Args:
        target: Probabilities, of the logits' shape.
        logits: Unnormalised log-probabilities.
        axis: The axis of the classes, counted from the front.
    """

    def forward(target: Tensor, logits: Tensor) -> Any:
        logs = log_softmax(logits, axis)
        return one("Neg", total(mul(target, logs), (axis,), keepdims=False)), (logs,)

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (logs,), (target, _), (g,) = saved, inputs, cotangents
        g = one("Reshape", g, shape=_kept(dims(logs), axis))
        pull = sub(mul(one("Exp", logs), total(target, (axis,))), target)
        return one("Neg", mul(g, logs)), mul(g, pull)

    return composite("SoftmaxCrossentropy", forward, target, logits, vjp=backward, residuals=True, axis=axis)


def sparse_softmax_crossentropy(labels: Tensor, logits: Tensor, axis: int) -> Any:
    """`-log_softmax(logits)[label]` along an axis, which the labels lack; 0 where a label is no class.

    Args:
        labels: Class indices (int64).
        logits: Unnormalised log-probabilities.
        axis: The axis of the classes, counted from the front.
    """

    def place(labels: Tensor, shape: Any) -> tuple[Tensor, Tensor]:
        classes = one("DimValue", size=shape[axis])
        inside = one("Max", one("Min", labels, sub(classes, 1)), 0)
        valid = one("Cast", one("Equal", inside, labels), to=logits.dtype)
        kept = _kept(shape, axis)
        return one("Reshape", inside, shape=kept), one("Reshape", valid, shape=kept)

    def forward(labels: Tensor, logits: Tensor) -> Any:
        logs = log_softmax(logits, axis)
        index, valid = place(labels, dims(logits))
        picked = mul(one("GatherElements", logs, index, axis=axis), valid)
        return one("Neg", one("Reshape", picked, shape=dims(labels))), (logs,)

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (logs,), (labels, _), (g,) = saved, inputs, cotangents
        index, valid = place(labels, dims(logs))
        g = mul(one("Reshape", g, shape=_kept(dims(logs), axis)), valid)
        spread = mul(one("Exp", logs), g)
        return None, one("ScatterElements", spread, index, one("Neg", g), axis=axis, reduction="add")

    return composite("SparseSoftmaxCrossentropy", forward, labels, logits, vjp=backward, residuals=True, axis=axis)


def _kept(shape: Any, axis: int) -> Any:
    return tuple(1 if i == axis else size for i, size in enumerate(shape))


