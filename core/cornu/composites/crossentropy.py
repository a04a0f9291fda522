"""Crossentropies from logits along the last axis."""

from __future__ import annotations

from typing import Any

from cornu.composites.softmax import log_softmax, total
from cornu.ir.dim import DimLike
from cornu.ops.arguments import emit, sizes, with_shape
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor


def sparse_categorical_crossentropy(labels: Tensor, logits: Tensor) -> Any:
    """`-log_softmax(logits)[label]`, 0 where a label is no class; the node is named "SparseSoftmaxCrossEntropy".

    The gradient is `(softmax(logits) - one_hot(label)) g`, in one pass and a scatter.

    Args:
        labels: int32 or int64 of shape [...].
        logits: Floats of shape [..., classes].

    Returns:
        Losses of shape [...].
    """
    last = logits.ndim - 1

    def places(labels: Tensor, classes: DimLike) -> tuple[Any, Any]:
        """Labels within range and, as a number, whether each was so: [..., 1]."""
        highest = emit("Sub", emit("Cast", emit("DimValue", size=classes), to=labels.dtype), 1)
        inside = emit("Max", emit("Min", labels, highest), 0)
        valid = emit("Cast", emit("Equal", inside, labels), to=logits.dtype)
        column = (*sizes(labels), 1)
        return with_shape(inside, column), with_shape(valid, column)

    def body(logits: Tensor, labels: Tensor) -> tuple[Any, Any]:
        logs = log_softmax(logits, last)
        place, valid = places(labels, sizes(logits)[last])
        own = emit("Mul", emit("GatherElements", logs, place, axis=last), valid)
        return emit("Neg", with_shape(own, sizes(labels))), (logs,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (logs,), (_, labels), (g,) = saved, inputs, cotangents
        place, valid = places(labels, sizes(logs)[last])
        column = emit("Mul", with_shape(g, (*sizes(g), 1)), valid)
        scaled = emit("Mul", emit("Exp", logs), column)
        return emit("ScatterElements", scaled, place, emit("Neg", column), axis=last, reduction="add"), None

    return composite("SparseSoftmaxCrossEntropy", body, logits, labels, vjp=rule, residuals=True)


def categorical_crossentropy(target: Tensor, logits: Tensor) -> Any:
    """`-sum(target log_softmax(logits))`; the node is named "SoftmaxCrossEntropy".

    The gradient of the logits is `(softmax(logits) sum(target) - target) g`.

    Args:
        target: Floats of shape [..., classes].
        logits: Floats of shape [..., classes].

    Returns:
        Losses of shape [...].
    """
    last = logits.ndim - 1

    def body(logits: Tensor, target: Tensor) -> tuple[Any, Any]:
        logs = log_softmax(logits, last)
        loss = emit("ReduceSum", emit("Mul", target, logs), axes=(last,), keepdims=False)
        return emit("Neg", loss), (logs,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (logs,), (_, target), (g,) = saved, inputs, cotangents
        column = with_shape(g, (*sizes(g), 1))
        expected = emit("Mul", emit("Exp", logs), total(target, last))
        by_logits = emit("Mul", emit("Sub", expected, target), column)
        return by_logits, emit("Mul", logs, emit("Neg", column))

    return composite("SoftmaxCrossEntropy", body, logits, target, vjp=rule, residuals=True)
