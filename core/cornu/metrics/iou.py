"""Intersection over union, from a confusion matrix."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.backend.config import epsilon
from cornu.metrics.metric import Metric
from cornu.tracing.tensor import dims


class IoU(Metric):
    """The mean over target classes of `TP / (TP + FP + FN)`.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The classes that count.
        name: See `Metric`.
        dtype: See `Metric`; "int" by default.
        ignore_class: A class number whose positions are left out.
        sparse_y_true: Whether targets are class numbers rather than one-hot.
        sparse_y_pred: Whether predictions are class numbers rather than scores.
        axis: The class axis of what is not sparse.

    Raises:
        ValueError: If a target class is out of range.

    Example:
        >>> round(float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype or "int", name)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"{type(self).__name__}: target class {max(target_class_ids)} is not in [0, {num_classes})."
            )
        self._direction = "up"
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of classes; those out of range are left out."""
        true = self._classes(y_true, self.sparse_y_true)
        pred = self._classes(y_pred, self.sparse_y_pred)
        inside = ops.logical_and(self._in_range(true), self._in_range(pred))
        if self.ignore_class is not None:
            inside = ops.logical_and(inside, ops.not_equal(true, self.ignore_class))
        weight = ops.cast(inside, self.dtype)
        if sample_weight is not None:
            weight = ops.multiply(weight, self._weights(sample_weight, true))
        zero = ops.zeros_like(true)
        cell = ops.where(inside, true, zero) * self.num_classes + ops.where(inside, pred, zero)
        counts = ops.segment_sum(weight, cell, num_segments=self.num_classes**2)
        self.total_cm.assign_add(ops.reshape(counts, (self.num_classes, self.num_classes)))

    def _classes(self, y: Any, sparse: bool) -> Any:
        y = ops.convert_to_tensor(y)
        return ops.reshape(ops.cast(y if sparse else ops.argmax(y, axis=self.axis), "int32"), (-1,))

    def _in_range(self, classes: Any) -> Any:
        return ops.logical_and(ops.greater_equal(classes, 0), ops.less(classes, self.num_classes))

    def _weights(self, sample_weight: Any, classes: Any) -> Any:
        weight = ops.convert_to_tensor(sample_weight)
        if "float" in weight.dtype and "int" in self.dtype:
            warnings.warn(
                f"{self.name}: float weights are truncated to {self.dtype}; pass dtype='float32' to keep them.",
                stacklevel=4,
            )
        weight = ops.cast(weight, self.dtype)
        return ops.broadcast_to(ops.reshape(weight, (-1,)) if len(weight.shape) > 1 else weight, dims(classes))

    def result(self) -> Any:
        matrix = ops.cast(self.total_cm.value, "float32")
        hits = ops.diagonal(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        hits, union = ops.take(hits, self.target_class_ids), ops.take(union, self.target_class_ids)
        seen = ops.greater(union, 1e-9)
        ratio = ops.where(seen, hits / (union + epsilon()), 0.0)
        return ops.sum(ratio) / (ops.sum(ops.cast(seen, "float32")) + epsilon())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }


def _without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in names}


class BinaryIoU(IoU):
    """`IoU` of two classes, predictions being positive at or above a threshold.

    Args:
        target_class_ids: The classes that count: 0, 1 or both.
        threshold: From it on a prediction counts as 1.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of labels and predictions in [0, 1]."""
        positive = ops.greater_equal(ops.convert_to_tensor(y_pred, dtype="float32"), self.threshold)
        super().update_state(y_true, ops.cast(positive, "int32"), sample_weight)

    def get_config(self) -> dict[str, Any]:
        config = _without(super().get_config(), "num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return {**config, "threshold": self.threshold}


class MeanIoU(IoU):
    """`IoU` over all classes.

    Args:
        num_classes: How many classes there are.
        name: See `Metric`.
        dtype: See `Metric`.
        ignore_class: See `IoU`.
        sparse_y_true: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "target_class_ids")


class OneHotIoU(IoU):
    """`IoU` for one-hot targets.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The classes that count.
        name: See `Metric`.
        dtype: See `Metric`.
        ignore_class: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`IoU` over all classes for one-hot targets.

    Args:
        num_classes: How many classes there are.
        name: See `Metric`.
        dtype: See `Metric`.
        ignore_class: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")
