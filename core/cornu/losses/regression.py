"""Losses between numbers: functions that keep the batch axes, averaging or summing over the last."""

from __future__ import annotations

import math
from typing import Any

from cornu import ops
from cornu.backend.config import epsilon
from cornu.losses.loss import squeeze_or_expand_to_same_rank


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return squeeze_or_expand_to_same_rank(y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """`mean((y_true - y_pred)²)` over the last axis.

    Args:
        y_true: Targets, [batch, ..., d].
        y_pred: Predictions of the same shape.

    Returns:
        A tensor [batch, ...].

    Example:
        >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).numpy()
        array([2.5], dtype=float32)
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """`mean(|y_true - y_pred|)` over the last axis; arguments as for `mean_squared_error`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """`100 · mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return 100.0 * ops.mean(ops.abs(y_true - y_pred) / ops.maximum(ops.abs(y_true), epsilon()), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """`mean((log(y_true + 1) - log(y_pred + 1))²)` over the last axis, both raised to at least epsilon."""
    y_true, y_pred = _pair(y_true, y_pred)
    logs = [ops.log(ops.maximum(y, epsilon()) + 1.0) for y in (y_pred, y_true)]
    return ops.mean(ops.square(logs[0] - logs[1]), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """`-sum(y_true / |y_true| · y_pred / |y_pred|)` along an axis: -1 where the directions are equal.

    Args:
        y_true: Targets.
        y_pred: Predictions of the same shape.
        axis: The axis that a vector runs along.
    """
    return ops.negative(cosine_proximity(y_true, y_pred, axis))


def cosine_proximity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between targets and predictions, along an axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """`mean` over the last axis of `e² / 2` where `|e| <= delta`, `delta · |e| - delta² / 2` elsewhere.

    Args:
        y_true: Targets.
        y_pred: Predictions of the same shape.
        delta: Where the square turns into a line.

    Source: Huber 1964.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    error = y_pred - y_true
    size = ops.abs(error)
    square, line = 0.5 * ops.square(error), delta * size - 0.5 * delta * delta
    return ops.mean(ops.where(size <= delta, square, line), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """`mean(log(cosh(y_pred - y_true)))` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """`mean(y_pred - y_true · log(y_pred + epsilon))` over the last axis."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return ops.mean(y_pred - y_true * ops.log(y_pred + epsilon()), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """`sum(y_true · log(y_true / y_pred))` over the last axis, both clipped to [epsilon, 1]."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    y_true, y_pred = ops.clip(y_true, epsilon(), 1), ops.clip(y_pred, epsilon(), 1)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def _signed(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels as -1 and 1: labels that are all 0 or 1 are mapped."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true), y_pred


def hinge(y_true: Any, y_pred: Any) -> Any:
    """`mean(max(1 - y_true · y_pred, 0))` over the last axis; labels are -1 and 1, or 0 and 1."""
    y_true, y_pred = _signed(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """`mean(max(1 - y_true · y_pred, 0)²)` over the last axis; labels as for `hinge`."""
    y_true, y_pred = _signed(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """`max(neg - pos + 1, 0)`, pos being the score of the true class and neg the best of the others."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    true_score = ops.sum(y_true * y_pred, axis=-1)
    best_other = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(best_other - true_score + 1.0, 0.0)
