"""Counts of true and false positives and negatives at thresholds, and the metrics made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.backend.config import epsilon
from cornu.losses.loss import squeeze_or_expand_to_same_rank
from cornu.metrics.metric import Metric
from cornu.tracing.tensor import dims
from cornu.tracing.variable import Variable

NEG_INF = -1e10
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def parse_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list.

    Raises:
        ValueError: If one is not in [0, 1].
    """
    if thresholds is None:
        return [default]
    given = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    outside = [threshold for threshold in given if threshold is None or not 0 <= threshold <= 1]
    if outside:
        raise ValueError(f"`thresholds` must be in [0, 1], got {outside}.")
    return given


def evenly_spaced(thresholds: Sequence[float]) -> bool:
    """True for three or more thresholds at `i / (n - 1)`."""
    count = len(thresholds)
    return count > 2 and np.allclose(thresholds, np.arange(count) / (count - 1), atol=epsilon())


def add_counts(
    variables: Mapping[str, Variable],
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    *,
    top_k: int | None = None,
    class_id: int | None = None,
    sample_weight: Any = None,
    multi_label: bool = False,
    label_weights: Any = None,
    clip: bool = False,
) -> None:
    """Adds a batch's counts to variables; a prediction is positive where it exceeds the threshold.

    Args:
        variables: By name of the count; each has the shape [thresholds], with `multi_label` [thresholds, labels].
        y_true: Labels; all but 0 are positive.
        y_pred: Predictions.
        thresholds: The thresholds.
        top_k: Only the k largest predictions of the last axis can be positive.
        class_id: Only this entry of the last axis counts.
        sample_weight: Weights per sample.
        multi_label: Whether the labels of the last axis are counted apart.
        label_weights: Weights per label.
        clip: Whether predictions are clipped to [0, 1] first.
    """
    dtype = next(iter(variables.values())).dtype
    y_true, y_pred = ops.cast(y_true, dtype), ops.cast(y_pred, dtype)
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    weight = _weights(y_true, y_pred, sample_weight, None if multi_label else label_weights, dtype)
    if top_k is not None:
        y_pred = _keep_top_k(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred = _of_class(y_true, class_id), _of_class(y_pred, class_id)
        weight = None if weight is None else _of_class(weight, class_id) if weight.shape[-1] != 1 else weight
    y_pred = ops.clip(y_pred, 0.0, 1.0) if clip else y_pred
    true = ops.cast(ops.not_equal(y_true, 0), dtype)
    false = 1.0 - true
    if weight is not None:
        weight = ops.broadcast_to(weight, dims(y_pred))
        true, false = true * weight, false * weight
    limits = np.asarray(thresholds, dtype)
    true_hits, false_hits, all_true, all_false = (_per_label if multi_label else _flat)(y_pred, true, false, limits)
    counts = {
        "true_positives": true_hits,
        "false_positives": false_hits,
        "true_negatives": all_false - false_hits,
        "false_negatives": all_true - true_hits,
    }
    for name, variable in variables.items():
        variable.assign_add(counts[name])


def _flat(y_pred: Any, true: Any, false: Any, limits: np.ndarray) -> tuple[Any, Any, Any, Any]:
    """Over everything: one product of [thresholds, values] with [values, 2]."""
    scores = ops.reshape(y_pred, (1, -1))
    labels = ops.stack([ops.reshape(true, (-1,)), ops.reshape(false, (-1,))], axis=1)
    positive = ops.cast(ops.greater(scores, limits[:, None]), labels.dtype)
    hits, sums = ops.matmul(positive, labels), ops.sum(labels, axis=0)
    return hits[:, 0], hits[:, 1], sums[0], sums[1]


def _per_label(y_pred: Any, true: Any, false: Any, limits: np.ndarray) -> tuple[Any, Any, Any, Any]:
    positive = ops.cast(ops.greater(ops.expand_dims(y_pred, 0), limits[:, None, None]), true.dtype)
    hits = [ops.sum(positive * ops.expand_dims(labels, 0), axis=1) for labels in (true, false)]
    return hits[0], hits[1], ops.sum(true, axis=0), ops.sum(false, axis=0)


def _weights(y_true: Any, y_pred: Any, sample_weight: Any, label_weights: Any, dtype: str) -> Any:
    weight = None
    if sample_weight is not None:
        weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, dtype=dtype), -1)
        _, weight = squeeze_or_expand_to_same_rank(y_true, weight, expand_rank_1=False)
    if label_weights is None:
        return weight
    labels = ops.expand_dims(ops.convert_to_tensor(label_weights, dtype=dtype), 0)
    labels = ops.broadcast_to(labels, dims(y_pred))
    return labels if weight is None else labels * weight


def _of_class(x: Any, class_id: int) -> Any:
    if len(x.shape) < 2:
        raise ValueError(f"With `class_id`, values must have shape [batch, classes], got {x.shape}.")
    return ops.expand_dims(ops.take(x, class_id, axis=-1), -1)


def _keep_top_k(x: Any, k: int) -> Any:
    _, best = ops.top_k(x, k)
    classes: Any = dims(x)[-1]
    kept = ops.sum(ops.one_hot(best, classes, dtype=x.dtype), axis=-2)
    return x * kept + NEG_INF * (1.0 - kept)


class _Count(Metric):
    """The number of one kind of outcome, at one or several thresholds.

    Args:
        thresholds: A number in [0, 1] or several; 0.5 by default.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    _kind: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of labels and predictions in [0, 1]."""
        add_counts(
            {self._kind: self.accumulator},
            y_true,
            y_pred,
            self.thresholds,
            sample_weight=sample_weight,
            clip=evenly_spaced(self.thresholds),
        )

    def result(self) -> Any:
        return self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator.value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many positives were found; arguments `thresholds`, `name` and `dtype`.

    Example:
        >>> float(TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
        2.0
    """

    _kind = "true_positives"


class FalsePositives(_Count):
    """How many negatives were taken for positives; arguments `thresholds`, `name` and `dtype`."""

    _kind = "false_positives"


class TrueNegatives(_Count):
    """How many negatives were found; arguments `thresholds`, `name` and `dtype`."""

    _kind = "true_negatives"


class FalseNegatives(_Count):
    """How many positives were missed; arguments `thresholds`, `name` and `dtype`."""

    _kind = "false_negatives"


class _Ratio(Metric):
    """`TP / (TP + other)`."""

    _other: str

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self._direction = "up"
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEG_INF)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        setattr(self, self._other, self.add_variable(shape, "zeros", name=self._other))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of labels and predictions in [0, 1]."""
        add_counts(
            {"true_positives": self.true_positives, self._other: getattr(self, self._other)},
            y_true,
            y_pred,
            self.thresholds,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
            clip=evenly_spaced(self.thresholds),
        )

    def result(self) -> Any:
        hits = self.true_positives.value
        ratio = ops.divide_no_nan(hits, hits + getattr(self, self._other).value)
        return ratio[0] if len(self.thresholds) == 1 else ratio

    def get_config(self) -> dict[str, Any]:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Ratio):
    """How many of those taken for positive are: `TP / (TP + FP)`.

    Args:
        thresholds: A number in [0, 1] or several; 0.5 by default, none with `top_k`.
        top_k: Only the k largest predictions of a sample can be positive.
        class_id: Only this class counts.
        name: See `Metric`.
        dtype: See `Metric`.

    Example:
        >>> round(float(Precision()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    _other = "false_positives"


class Recall(_Ratio):
    """How many of the positives were found: `TP / (TP + FN)`; arguments as for `Precision`.

    Example:
        >>> round(float(Recall()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    _other = "false_negatives"
