"""Metrics along a threshold: one rate at a given other rate, and areas under curves."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from cornu import ops
from cornu.backend.config import epsilon
from cornu.metrics.confusion import COUNTS, add_counts, evenly_spaced
from cornu.metrics.metric import Metric
from cornu.tracing.variable import Variable


class _Counted(Metric):
    """A metric that keeps all four counts at thresholds."""

    true_positives: Variable
    false_positives: Variable
    true_negatives: Variable
    false_negatives: Variable

    def _add_count_variables(self, shape: Sequence[int]) -> None:
        for name in COUNTS:
            setattr(self, name, self.add_variable(shape, "zeros", name=name))

    def _count_variables(self) -> dict[str, Variable]:
        return {name: getattr(self, name) for name in COUNTS}

    def _rate(self, hits: str, misses: str) -> Any:
        hit = getattr(self, hits).value
        return ops.divide_no_nan(hit, hit + getattr(self, misses).value)

    @property
    def _sensitivity(self) -> Any:
        return self._rate("true_positives", "false_negatives")

    @property
    def _specificity(self) -> Any:
        return self._rate("true_negatives", "false_positives")

    @property
    def _precision(self) -> Any:
        return self._rate("true_positives", "false_positives")


def _even_thresholds(count: int) -> list[float]:
    return [i / (count - 1) for i in range(count)]


class _RateAtRate(_Counted):
    """The best value of one rate where another reaches a given value."""

    _given: str
    _constrained: str
    _dependent: str

    def _setup(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        kind = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{kind}: `{self._given}` must be in [0, 1], got {value}.")
        if num_thresholds <= 0:
            raise ValueError(f"{kind}: `num_thresholds` must be positive, got {num_thresholds}.")
        super().__init__(dtype, name)
        self._direction = "up"
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = [0.5] if num_thresholds == 1 else _even_thresholds(num_thresholds)
        self._add_count_variables((num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of labels and predictions in [0, 1]."""
        add_counts(
            self._count_variables(),
            y_true,
            y_pred,
            self.thresholds,
            class_id=self.class_id,
            sample_weight=sample_weight,
            clip=self.num_thresholds > 1,
        )

    def result(self) -> Any:
        reached = ops.greater_equal(getattr(self, self._constrained), self.value)
        return ops.max(ops.where(reached, getattr(self, self._dependent), 0.0))

    def get_config(self) -> dict[str, Any]:
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self._given: self.value}
        return {**super().get_config(), **own}


class SensitivityAtSpecificity(_RateAtRate):
    """The best sensitivity `TP / (TP + FN)` where the specificity `TN / (TN + FP)` is at least the given one.

    Args:
        specificity: In [0, 1].
        num_thresholds: How many thresholds are tried.
        class_id: Only this class counts.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    _given, _constrained, _dependent = "specificity", "_specificity", "_sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._setup(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(_RateAtRate):
    """The best specificity where the sensitivity is at least the given one; see `SensitivityAtSpecificity`.

    Args:
        sensitivity: In [0, 1].
        num_thresholds: How many thresholds are tried.
        class_id: Only this class counts.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    _given, _constrained, _dependent = "sensitivity", "_sensitivity", "_specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._setup(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(_RateAtRate):
    """The best precision where the recall is at least the given one.

    Args:
        recall: In [0, 1].
        num_thresholds: How many thresholds are tried.
        class_id: Only this class counts.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    _given, _constrained, _dependent = "recall", "_sensitivity", "_precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._setup(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(_RateAtRate):
    """The best recall where the precision is at least the given one.

    Args:
        precision: In [0, 1].
        num_thresholds: How many thresholds are tried.
        class_id: Only this class counts.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    _given, _constrained, _dependent = "precision", "_precision", "_sensitivity"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._setup(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision


class AUCCurve(Enum):
    """The curves that `AUC` knows."""

    ROC = "ROC"
    PR = "PR"
    PRGAIN = "PRGAIN"


class AUCSummationMethod(Enum):
    """How `AUC` fills in between thresholds."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"


def _member(kind: type[Enum], value: Any, argument: str) -> Any:
    for member in kind:
        if value is member or (isinstance(value, str) and value.lower() == member.value.lower()):
            return member
    names = ", ".join(repr(member.value) for member in kind)
    raise ValueError(f"AUC: `{argument}` must be one of {names}, got {value!r}.")


class AUC(_Counted):
    """The area under a curve of rates over thresholds, by Riemann sums.

    Args:
        num_thresholds: How many evenly spaced thresholds make the sum.
        curve: "ROC" (recall over false-positive rate), "PR" (precision over recall) or "PRGAIN".
        summation_method: "interpolation" (trapezoids; for PR the interpolation of Davis and Goadrich 2006),
            "minoring" or "majoring".
        name: See `Metric`.
        dtype: See `Metric`.
        thresholds: Thresholds within (0, 1) instead.
        multi_label: Whether the area is taken per label of [batch, labels] and averaged.
        num_labels: With `multi_label`: the number of labels; makes the variables at once.
        label_weights: A weight per label.
        from_logits: Whether predictions are logits.

    Raises:
        ValueError: If an argument is not as described.

    Example:
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Any = "ROC",
        summation_method: Any = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: `num_thresholds` must be greater than 1, got {num_thresholds}.")
        if num_labels and not multi_label:
            raise ValueError("AUC: `num_labels` goes with `multi_label=True`.")
        self.curve = _member(AUCCurve, curve, "curve")
        self.summation_method = _member(AUCSummationMethod, summation_method, "summation_method")
        self._init_from_thresholds = thresholds is not None
        inner = _even_thresholds(num_thresholds)[1:-1] if thresholds is None else sorted(thresholds)
        self.num_thresholds = len(inner) + 2
        self._clip = thresholds is None or evenly_spaced([0.0, *inner, 1.0])
        self._thresholds = [0.0 - epsilon(), *inner, 1.0 + epsilon()]
        super().__init__(dtype, name)
        self._direction = "up"
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, self.dtype)
        self._from_logits = from_logits
        self._built = False
        if not multi_label or num_labels:
            self._build((None, num_labels))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, the two just outside [0, 1] included."""
        return list(self._thresholds)

    def _build(self, shape: Sequence[int | None]) -> None:
        if self.multi_label and (len(shape) != 2 or shape[1] is None):
            raise ValueError(f"AUC: with `multi_label`, predictions must have shape [batch, labels], got {shape}.")
        labels = shape[1] if self.multi_label else None
        self._add_count_variables((self.num_thresholds,) if labels is None else (self.num_thresholds, labels))
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of labels and predictions in [0, 1] (or logits)."""
        y_pred = ops.convert_to_tensor(y_pred)
        if not self._built:
            self._build(y_pred.shape)
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        add_counts(
            self._count_variables(),
            y_true,
            y_pred,
            self._thresholds,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=self.label_weights,
            clip=self._clip,
        )

    def result(self) -> Any:
        interpolate = self.summation_method is AUCSummationMethod.INTERPOLATION
        if self.curve is AUCCurve.PR and interpolate:
            return self._total(self._interpolated_precision())
        x, y = self._curve()
        left, right = y[:-1], y[1:]
        if interpolate:
            heights = (left + right) * 0.5
        elif self.summation_method is AUCSummationMethod.MINORING:
            heights = ops.minimum(left, right)
        else:
            heights = ops.maximum(left, right)
        return self._total((x[:-1] - x[1:]) * heights)

    def _curve(self) -> tuple[Any, Any]:
        if self.curve is AUCCurve.ROC:
            return self._rate("false_positives", "true_negatives"), self._sensitivity
        if self.curve is AUCCurve.PR:
            return self._sensitivity, self._precision
        found, missed = self.true_positives.value, self.false_negatives.value
        wrong, left = self.false_positives.value, self.true_negatives.value
        scale = ops.divide_no_nan(found + missed, left + wrong)
        none = ops.equal(found, 0.0)
        recall_gain = ops.where(none, 0.0, 1.0 - scale * ops.divide_no_nan(missed, found))
        precision_gain = ops.where(none, 1.0, 1.0 - scale * ops.divide_no_nan(wrong, found))
        return ops.maximum(recall_gain, 0.0), precision_gain

    def _interpolated_precision(self) -> Any:
        """Increments of the area where, between thresholds, true positives grow linearly with all positives."""
        found = self.true_positives.value
        positives = found + self.false_positives.value
        found_step = found[:-1] - found[1:]
        slope = ops.divide_no_nan(found_step, ops.maximum(positives[:-1] - positives[1:], 0.0))
        intercept = found[1:] - slope * positives[1:]
        both = ops.logical_and(ops.greater(positives[:-1], 0.0), ops.greater(positives[1:], 0.0))
        ratio = ops.where(both, ops.divide_no_nan(positives[:-1], ops.maximum(positives[1:], 0.0)), 1.0)
        total = ops.maximum(found[1:] + self.false_negatives.value[1:], 0.0)
        return ops.divide_no_nan(slope * (found_step + intercept * ops.log(ratio)), total)

    def _total(self, increments: Any) -> Any:
        if not self.multi_label:
            return ops.sum(increments)
        areas = ops.sum(increments, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.divide_no_nan(ops.sum(areas * self.label_weights), ops.sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
        }
        return {**config, "thresholds": self._thresholds[1:-1]} if self._init_from_thresholds else config
