"""Losses between sets and between embeddings: Dice, Tversky, Circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.backend.config import epsilon
from cornu.tracing.tensor import dims


def dice(y_true: Any, y_pred: Any, axis: int | Sequence[int] | None = None) -> Any:
    """`1 - 2 · sum(y_true · y_pred) / (sum(y_true) + sum(y_pred) + epsilon)`.

    Args:
        y_true: Targets.
        y_pred: Predictions of the same shape.
        axis: The axes summed over; None sums over all.

    Example:
        >>> float(dice([1.0, 0.0], [1.0, 0.0]).numpy().round(4))
        0.0
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    both = ops.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: int | Sequence[int] | None = None
) -> Any:
    """`1 - TP / (TP + alpha · A + beta · B + epsilon)`, with `A = sum((1 - y_pred) · y_true)` and
    `B = sum(y_pred · (1 - y_true))`.

    Args:
        y_true: Targets.
        y_pred: Predictions of the same shape.
        alpha: The weight of A.
        beta: The weight of B.
        axis: The axes summed over; None sums over all.

    Source: Salehi et al. 2017.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    both = ops.sum(y_true * y_pred, axis=axis)
    only_true = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    only_pred = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + only_true * alpha + only_pred * beta + epsilon())


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """`softplus(logsumexp over positives + logsumexp over negatives)` of weighted cosine distances.

    Args:
        y_true: Integer labels, [batch].
        y_pred: Embeddings of length 1, [batch, d].
        ref_labels: Labels to compare with; None compares within the batch.
        ref_embeddings: Their embeddings.
        remove_diagonal: Whether a sample is not its own positive.
        gamma: The scale.
        margin: The relaxation.

    Returns:
        A tensor [batch], masked where it is 0.

    Source: Sun et al. 2020.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    others = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    distances = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(references)), 0.0)
    same = ops.equal(labels, ops.transpose(others))
    different = ops.logical_not(same)
    if remove_diagonal:
        rows, columns = ops.arange(dims(labels)[0]), ops.arange(dims(others)[0])
        same = ops.logical_and(same, ops.not_equal(ops.expand_dims(rows, 1), ops.expand_dims(columns, 0)))
    positive = _log_sum(-gamma * ops.maximum(margin + distances, 0.0) * (margin - distances), same)
    negative = _log_sum(gamma * ops.maximum(1.0 + margin - distances, 0.0) * (1.0 - margin - distances), different)
    values = ops.softplus(positive + negative)
    values._keras_mask = ops.greater(values, 0.0)
    return values


def _log_sum(values: Any, mask: Any) -> Any:
    return ops.logsumexp(ops.where(mask, values, float("-inf")), axis=1)
