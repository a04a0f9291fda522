"""How often predictions hit their targets."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.losses.loss import squeeze_or_expand_to_same_rank
from cornu.metrics.reduction import NamedMean
from cornu.tracing.tensor import dims
from cornu.utils.dtypes import resolve_dtype


def _hits(condition: Any) -> Any:
    return ops.cast(condition, resolve_dtype(None))


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where `y_true == y_pred`."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return _hits(ops.equal(y_true, y_pred))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where `y_true == (y_pred > threshold)`.

    Args:
        y_true: Labels 0 and 1, [batch, ...].
        y_pred: Predictions of the same shape.
        threshold: Above it a prediction counts as 1.

    Example:
        >>> binary_accuracy([1.0, 0.0], [0.7, 0.6]).numpy()
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    return _hits(ops.equal(y_true, ops.cast(ops.greater(y_pred, threshold), y_true.dtype)))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is that of the true class.

    Args:
        y_true: One-hot targets, [batch, ..., classes].
        y_pred: Predictions of the same shape.

    Returns:
        A tensor [batch, ...].

    Example:
        >>> categorical_accuracy([[0, 1], [1, 0]], [[0.3, 0.7], [0.2, 0.8]]).numpy()
        array([1., 0.], dtype=float32)
    """
    return _hits(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is that of the class given by number.

    Args:
        y_true: Class numbers, [batch, ...] or [batch, ..., 1].
        y_pred: Predictions, [batch, ..., classes].

    Returns:
        A tensor [batch, ...].

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.3, 0.7], [0.2, 0.8]]).numpy()
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    best = ops.argmax(y_pred, axis=-1)
    matches = _hits(ops.equal(y_true, ops.cast(best, y_true.dtype)))
    if len(matches.shape) > 1 and matches.shape[-1] == 1:
        matches = ops.squeeze(matches, -1)
    return matches


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the true class is among the k largest predictions.

    Args:
        y_true: One-hot targets, [batch, ..., classes].
        y_pred: Predictions of the same shape.
        k: How many predictions count.
    """
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """1 where the class given by number is among the k largest predictions.

    Args:
        y_true: Class numbers, [batch, ...].
        y_pred: Predictions, [batch, ..., classes]; or class numbers, best first, if `from_sorted_ids`.
        k: How many predictions count.
        from_sorted_ids: Whether predictions are class numbers.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype if from_sorted_ids else "int32")
    shape = dims(y_true)
    if len(y_pred.shape) > 2:
        y_pred = ops.reshape(y_pred, (-1, dims(y_pred)[-1]))
    if len(shape) > 1:
        y_true = ops.reshape(y_true, (-1,))
    if from_sorted_ids:
        matches = ops.any(ops.equal(ops.expand_dims(y_true, 1), y_pred[:, :k]), axis=1)
    else:
        matches = ops.in_top_k(y_true, y_pred, k=k)
    return ops.reshape(_hits(matches), shape) if len(shape) > 1 else _hits(matches)


class Accuracy(NamedMean):
    """How often `y_true == y_pred`; arguments `name` and `dtype` as for `Metric`.

    Example:
        >>> float(Accuracy()([1, 2], [1, 3]))
        0.5
    """

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)
        self._direction = "up"


class CategoricalAccuracy(NamedMean):
    """How often the largest prediction is that of the one-hot target's class; arguments as for `Metric`."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)
        self._direction = "up"


class SparseCategoricalAccuracy(NamedMean):
    """How often the largest prediction is that of the class given by number; arguments as for `Metric`."""

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)
        self._direction = "up"


class BinaryAccuracy(NamedMean):
    """How often `y_true == (y_pred > threshold)`.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        threshold: Above it a prediction counts as 1.

    Example:
        >>> float(BinaryAccuracy()([1.0, 0.0], [0.7, 0.6]))
        0.5
    """

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self._direction = "up"


class TopKCategoricalAccuracy(NamedMean):
    """How often the one-hot target's class is among the k largest predictions.

    Args:
        k: How many predictions count.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self._direction = "up"


class SparseTopKCategoricalAccuracy(NamedMean):
    """How often the class given by number is among the k largest predictions.

    Args:
        k: How many predictions count.
        name: See `Metric`.
        dtype: See `Metric`.
        from_sorted_ids: Whether predictions are class numbers, best first.
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
        self._direction = "up"

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not config["from_sorted_ids"]:
            del config["from_sorted_ids"]
        return config
