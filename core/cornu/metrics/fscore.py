"""F scores: the weighted harmonic mean of precision and recall."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.backend.config import epsilon
from cornu.metrics.metric import Metric
from cornu.tracing.variable import Variable


class FBetaScore(Metric):
    """`(1 + beta²) · precision · recall / (beta² · precision + recall)`, per class.

    Args:
        average: None (a score per class), "micro" (all classes together), "macro" (the mean) or "weighted" (weighted
            by the number of true samples).
        beta: A positive float; recall counts beta times as much as precision.
        threshold: In (0, 1]: a prediction above it is positive; None makes the largest positive.
        name: See `Metric`.
        dtype: See `Metric`.

    Raises:
        ValueError: If an argument is not as described, or values are not [batch, classes].

    Example:
        >>> float(F1Score(average="micro")([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).numpy().round(4))
        1.0
    """

    true_positives: Variable
    false_positives: Variable
    false_negatives: Variable
    intermediate_weights: Variable

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        kind = type(self).__name__
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"{kind}: `average` must be None, 'micro', 'macro' or 'weighted', got {average!r}.")
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"{kind}: `beta` must be a positive float, got {beta!r}.")
        if threshold is not None and not (isinstance(threshold, float) and 0.0 < threshold <= 1.0):
            raise ValueError(f"{kind}: `threshold` must be a float in (0, 1], got {threshold!r}.")
        self._direction = "up"
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, true_shape: Any, pred_shape: Any) -> None:
        if len(true_shape) != 2 or len(pred_shape) != 2 or true_shape[-1] is None or pred_shape[-1] is None:
            raise ValueError(
                f"{type(self).__name__}: expected shapes [batch, classes] with known classes, got {true_shape} "
                f"and {pred_shape}."
            )
        shape = () if self.average == "micro" else (pred_shape[-1],)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_variable(shape, "zeros", self.dtype, name=name))
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of labels and predictions [batch, classes]."""
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            positive = ops.logical_and(largest, ops.greater(ops.abs(y_pred), 1e-9))
        else:
            positive = ops.greater(y_pred, self.threshold)
        positive = ops.cast(positive, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, dtype=self.dtype), 1)

        def total(values: Any) -> Any:
            return ops.sum(values if sample_weight is None else values * sample_weight, axis=self.axis)

        self.true_positives.assign_add(total(positive * y_true))
        self.false_positives.assign_add(total(positive * (1.0 - y_true)))
        self.false_negatives.assign_add(total((1.0 - positive) * y_true))
        self.intermediate_weights.assign_add(total(y_true))

    def result(self) -> Any:
        hits = self.true_positives.value
        precision = hits / (hits + self.false_positives.value + epsilon())
        recall = hits / (hits + self.false_negatives.value + epsilon())
        square = self.beta**2
        score = (1.0 + square) * (precision * recall / (square * precision + recall + epsilon()))
        if self.average == "weighted":
            weights = self.intermediate_weights.value
            return ops.sum(score * (weights / (ops.sum(weights) + epsilon())))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """`2 · precision · recall / (precision + recall)`; see `FBetaScore`.

    Args:
        average: See `FBetaScore`.
        threshold: See `FBetaScore`.
        name: See `Metric`.
        dtype: See `Metric`.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
