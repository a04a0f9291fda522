"""Crossentropies: functions that keep the batch axes.

Where predictions come straight out of `activations.softmax` or `sigmoid`, the logits noted on the tensor are used:
that needs fewer passes and cannot overflow. Keras does the same (on TensorFlow).
"""

from __future__ import annotations

import warnings
from typing import Any

from cornu import ops
from cornu.backend.config import epsilon
from cornu.tracing.tensor import dims


def _logits(y_pred: Any, from_logits: bool, name: str) -> tuple[Any, bool]:
    """The tensor to compute from, and whether it holds logits."""
    noted = getattr(y_pred, "_keras_logits", None)
    if noted is None:
        return y_pred, from_logits
    if from_logits:
        warnings.warn(
            f"{name} was told that predictions are logits, but they come out of a softmax or sigmoid.", stacklevel=4
        )
    return ops.convert_to_tensor(noted, dtype=y_pred.dtype), True


def _check_axis(axis: Any, name: str) -> None:
    if isinstance(axis, bool):
        raise ValueError(f"{name}: `axis` must be an integer, got {axis!r}.")


def _warn_if_single(y_pred: Any, name: str) -> None:
    if y_pred.shape and y_pred.shape[-1] == 1:
        warnings.warn(
            f"{name} expects predictions of shape [batch, classes] with more than one class, got {y_pred.shape}. "
            "For two classes and one output, use binary_crossentropy.",
            SyntaxWarning,
            stacklevel=4,
        )


def _smooth_classes(y_true: Any, smoothing: float) -> Any:
    if not smoothing:
        return y_true
    return y_true * (1.0 - smoothing) + smoothing / ops.convert_to_tensor(dims(y_true)[-1], dtype=y_true.dtype)


def _smooth_binary(y_true: Any, smoothing: float) -> Any:
    return y_true * (1.0 - smoothing) + 0.5 * smoothing if smoothing else y_true


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """`-sum(y_true · log(p))` over the class axis; probabilities are normalised and clipped by epsilon first.

    Args:
        y_true: One-hot (or soft) targets, [batch, ..., classes].
        y_pred: Predictions of the same shape.
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: s turns targets into `(1 - s) · y_true + s / classes`.
        axis: The class axis.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    _check_axis(axis, "categorical_crossentropy")
    y_pred = ops.convert_to_tensor(y_pred)
    _warn_if_single(y_pred, "categorical_crossentropy")
    y_true = _smooth_classes(ops.cast(y_true, y_pred.dtype), label_smoothing)
    y_pred, from_logits = _logits(y_pred, from_logits, "categorical_crossentropy")
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """`-log(p[y_true])`: the categorical crossentropy for targets given as class numbers.

    Args:
        y_true: Class numbers, [batch, ...] or [batch, ..., 1].
        y_pred: Predictions, [batch, ..., classes].
        from_logits: Whether predictions are logits rather than probabilities.
        ignore_class: A class number whose positions count 0 and are masked out of the mean.
        axis: The class axis.

    Returns:
        A tensor [batch, ...].

    Raises:
        ValueError: If the shapes do not fit.

    Example:
        >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    y_pred, from_logits = _logits(y_pred, from_logits, "sparse_categorical_crossentropy")
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    valid = ops.not_equal(y_true, ops.cast(ignore_class, y_true.dtype))
    labels = ops.where(valid, y_true, ops.cast(0, y_true.dtype))
    values = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits, axis=axis)
    values = ops.where(valid, values, 0.0)
    values._keras_mask = valid
    return values


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """`mean(-y_true · log(p) - (1 - y_true) · log(1 - p))` over an axis; probabilities are clipped by epsilon first.

    Args:
        y_true: Targets in [0, 1].
        y_pred: Predictions of the same shape.
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: s turns targets into `(1 - s) · y_true + s / 2`.
        axis: The axis that is averaged over.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = _smooth_binary(ops.cast(y_true, y_pred.dtype), label_smoothing)
    y_pred, from_logits = _logits(y_pred, from_logits, "binary_crossentropy")
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """`mean((1 - p_t)^gamma · binary crossentropy)`, `p_t` being the probability given to the true class.

    Args:
        y_true: Targets in [0, 1].
        y_pred: Predictions of the same shape.
        apply_class_balancing: Whether class 1 has the weight alpha and class 0 the weight 1 - alpha.
        alpha: The weight of class 1.
        gamma: How strongly well-classified samples are played down.
        from_logits: Whether predictions are logits.
        label_smoothing: As for `binary_crossentropy`.
        axis: The axis that is averaged over.

    Source: Lin et al. 2018.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = _smooth_binary(ops.cast(y_true, y_pred.dtype), label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p_true = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = ops.power(1.0 - p_true, gamma) * values
    if apply_class_balancing:
        values = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * values
    return ops.mean(values, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """`sum(alpha · (1 - p)^gamma · -y_true · log(p))` over the class axis.

    Args:
        y_true: One-hot targets, [batch, ..., classes].
        y_pred: Predictions of the same shape.
        alpha: A weight, or one per class.
        gamma: How strongly well-classified samples are played down.
        from_logits: Whether predictions are logits.
        label_smoothing: As for `categorical_crossentropy`.
        axis: The class axis.

    Source: Lin et al. 2018.
    """
    _check_axis(axis, "categorical_focal_crossentropy")
    y_pred = ops.convert_to_tensor(y_pred)
    _warn_if_single(y_pred, "categorical_focal_crossentropy")
    y_true = _smooth_classes(ops.cast(y_true, y_pred.dtype), label_smoothing)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, epsilon(), 1.0 - epsilon())
    weights = ops.multiply(ops.power(1.0 - p, gamma), alpha)
    return ops.sum(ops.negative(weights * y_true * ops.log(p)), axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """`(1 - p^q) / q`, p being the probability of the true class: robust against wrong labels.

    Args:
        y_true: Class numbers, [batch].
        y_pred: Probabilities, [batch, classes].
        q: In (0, 1): near 0 it is the crossentropy, near 1 the absolute error.

    Source: Zhang and Sabuncu 2018.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    classes: Any = dims(y_pred)[-1]
    labels = ops.one_hot(ops.cast(y_true, "int32"), classes, dtype=y_pred.dtype)
    return (1.0 - ops.power(ops.sum(y_pred * labels, axis=-1), q)) / q
