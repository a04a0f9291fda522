"""Metrics between numbers: errors, similarities, correlations, the coefficient of determination."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.backend.config import epsilon
from cornu.losses import regression
from cornu.losses.loss import squeeze_or_expand_to_same_rank
from cornu.metrics.metric import Metric
from cornu.metrics.reduction import Mean, NamedMean
from cornu.tracing.tensor import dims
from cornu.tracing.variable import Variable

cosine_similarity = regression.cosine_proximity


class MeanSquaredError(NamedMean):
    """The mean of `(y_true - y_pred)²`; arguments `name` and `dtype` as for `Metric`.

    Example:
        >>> float(MeanSquaredError()([[1.0]], [[3.0]]))
        4.0
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_squared_error, name, dtype)
        self._direction = "down"


class MeanAbsoluteError(NamedMean):
    """The mean of `|y_true - y_pred|`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_absolute_error, name, dtype)
        self._direction = "down"


class MeanAbsolutePercentageError(NamedMean):
    """The mean of `100 · |y_true - y_pred| / max(|y_true|, epsilon)`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_absolute_percentage_error, name, dtype)
        self._direction = "down"


class MeanSquaredLogarithmicError(NamedMean):
    """The mean of `(log(y_true + 1) - log(y_pred + 1))²`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, name, dtype)
        self._direction = "down"


class LogCoshError(NamedMean):
    """The mean of `log(cosh(y_pred - y_true))`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(regression.log_cosh, name, dtype)
        self._direction = "down"


class RootMeanSquaredError(Mean):
    """The root of the mean of `(y_true - y_pred)²`.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.

    Example:
        >>> float(RootMeanSquaredError()([[1.0]], [[3.0]]))
        2.0
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in a batch of targets and predictions of one shape."""
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


class CosineSimilarity(NamedMean):
    """The mean cosine of the angle between targets and predictions.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        axis: The axis that a vector runs along.
    """

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)
        self._direction = "up"


def _centred(y_true: Any, y_pred: Any, axis: int) -> tuple[Any, Any, Any, Any]:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    return y_true - means[0], y_pred - means[1], means[0], means[1]


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """`cov(y_true, y_pred) / (std(y_true) · std(y_pred))` along an axis.

    Args:
        y_true: Targets.
        y_pred: Predictions of the same shape.
        axis: The axis of the samples.
    """
    true, pred, _, _ = _centred(y_true, y_pred, axis)
    scale = ops.std(true, axis=axis, keepdims=True) * ops.std(pred, axis=axis, keepdims=True)
    return ops.mean(true * pred / scale, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """`2 cov / (var(y_true) + var(y_pred) + (mean difference)² + epsilon)` along an axis. Source: Lin 1989."""
    true, pred, true_mean, pred_mean = _centred(y_true, y_pred, axis)
    spread = ops.var(true, axis=axis, keepdims=True) + ops.var(pred, axis=axis, keepdims=True)
    norm = spread + ops.square(true_mean - pred_mean) + epsilon()
    return ops.mean(2.0 * true * pred / norm, axis=axis)


class PearsonCorrelation(NamedMean):
    """The mean of Pearson's correlation over batches.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        axis: The axis of the samples.
    """

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)
        self._direction = "up"


class ConcordanceCorrelation(NamedMean):
    """The mean of Lin's concordance correlation over batches.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        axis: The axis of the samples.
    """

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
        self._direction = "up"


class R2Score(Metric):
    """The coefficient of determination: `1 - sum (y_true - y_pred)² / sum (y_true - mean)²`, per output.

    Args:
        class_aggregation: "uniform_average", "variance_weighted_average" or None (one score per output).
        num_regressors: p > 0 adjusts the score: `1 - (1 - R²)(n - 1) / (n - p - 1)`, where n exceeds p + 1.
        name: See `Metric`.
        dtype: See `Metric`.

    Raises:
        ValueError: If an argument is not as described, or values are not [batch, outputs].
    """

    squared_sum: Variable
    sum: Variable
    total_mse: Variable
    count: Variable

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "R2Score: `class_aggregation` must be None, 'uniform_average' or 'variance_weighted_average', "
                f"got {class_aggregation!r}."
            )
        if num_regressors < 0:
            raise ValueError(f"R2Score: `num_regressors` must be at least 0, got {num_regressors}.")
        self._direction = "up"
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, true_shape: Any, pred_shape: Any) -> None:
        if len(true_shape) != 2 or len(pred_shape) != 2 or pred_shape[-1] is None or true_shape[-1] is None:
            raise ValueError(
                f"R2Score: expected shapes [batch, outputs] with known outputs, got {true_shape} and {pred_shape}."
            )
        names = {"squared_sum": "squared_sum", "sum": "sum", "total_mse": "residual", "count": "count"}
        for attribute, name in names.items():
            setattr(self, attribute, self.add_variable((pred_shape[-1],), "zeros", name=name))
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of targets and predictions [batch, outputs]."""
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        weight = ops.convert_to_tensor(1 if sample_weight is None else sample_weight, dtype=self.dtype)
        if len(weight.shape) == 1:
            weight = ops.expand_dims(weight, 1)
        weight = ops.broadcast_to(weight, dims(y_true))
        self.sum.assign_add(ops.sum(y_true * weight, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * y_true * weight, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        rows, columns = dims(y_true)
        self.num_samples.assign_add(ops.convert_to_tensor(rows * columns, dtype=self.dtype))

    def result(self) -> Any:
        total = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1.0 - self.total_mse / total
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.sum(total * scores) / ops.sum(total)
        else:
            score = scores
        if not self.num_regressors:
            return score
        freedom = self.num_samples - 1.0 - self.num_regressors
        enough = ops.greater(freedom, 0.0)
        adjusted = 1.0 - (1.0 - score) * (self.num_samples - 1.0) / ops.where(enough, freedom, 1.0)
        return ops.where(enough, adjusted, score)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
