"""Metrics that sum or average values over batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops
from cornu.losses.loss import apply_mask, get_mask, squeeze_or_expand_to_same_rank
from cornu.metrics.metric import Metric
from cornu.tracing.tensor import dims


def reduce_to_samplewise_values(
    values: Any, sample_weight: Any, reduce_fn: Callable[..., Any], dtype: str
) -> tuple[Any, Any]:
    """One weighted value per sample, and the weights.

    Args:
        values: Values, [batch, ...].
        sample_weight: Weights that broadcast to the values' first axes, or None.
        reduce_fn: `ops.mean` or `ops.sum`, over the other axes.
        dtype: The dtype to compute in.
    """
    mask = get_mask(values)
    values = ops.cast(values, dtype)
    if sample_weight is not None:
        weight = apply_mask(sample_weight, mask, dtype, "sum")
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        rank = len(weight.shape)
        if len(values.shape) > rank:
            values = reduce_fn(values, axis=tuple(range(rank, len(values.shape))))
        weight = ops.broadcast_to(weight, dims(values))
        values = ops.multiply(values, weight)
        sample_weight = reduce_fn(weight, axis=tuple(range(1, rank))) if rank > 1 else weight
    if len(values.shape) > 1:
        values = reduce_fn(values, axis=tuple(range(1, len(values.shape))))
    return values, sample_weight


class Sum(Metric):
    """The (weighted) sum of all values.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.

    Example:
        >>> total = Sum()
        >>> total.update_state([1.0, 2.0])
        >>> float(total.result())
        3.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values.

        Args:
            values: Values, [batch, ...].
            sample_weight: Weights.
        """
        values, _ = reduce_to_samplewise_values(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        return self.total.value


class Mean(Metric):
    """The (weighted) mean of all values: `sum(w · x) / sum(w)`.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.

    Example:
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0], sample_weight=[1.0, 0.0])
        >>> float(mean.result())
        1.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")
        self.count = self.add_variable((), "zeros", self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Takes in values.

        Args:
            values: Values, [batch, ...]; those of a sample are averaged first.
            sample_weight: Weights.
        """
        values, weight = reduce_to_samplewise_values(values, sample_weight, ops.mean, self.dtype)
        samples = dims(values)[0] if values.shape else 1
        count = samples if weight is None else ops.sum(weight)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.convert_to_tensor(count, dtype=self.dtype))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)` over samples.

    Args:
        fn: The function; it keeps the batch axis.
        name: See `Metric`.
        dtype: See `Metric`.
        **kwargs: Further arguments of `fn`.

    Example:
        >>> from cornu.losses import mean_squared_error
        >>> float(MeanMetricWrapper(mean_squared_error, name="mse")([[1.0]], [[3.0]]))
        4.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name, dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if _is_loss(fn):
            self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in a batch.

        Args:
            y_true: Targets.
            y_pred: Predictions; their mask leaves samples or positions out.
            sample_weight: Weights.
        """
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, apply_mask(sample_weight, get_mask(y_pred), self.dtype, "sum"))

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        arguments = {key: serialize_keras_object(value) for key, value in self._fn_kwargs.items()}
        return {**super().get_config(), "fn": serialize_keras_object(self._fn), **arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        if "fn" in config:
            from cornu.saving import deserialize_keras_object

            rest = {key: deserialize_keras_object(value) for key, value in config.items() if key != "fn"}
            config = {**rest, "fn": _function(config["fn"])}
        return cls(**config)


def _function(config: Any) -> Any:
    if callable(config):
        return config
    from cornu import losses, metrics
    from cornu.saving import deserialize_keras_object

    name = config.get("config") if isinstance(config, dict) and config.get("class_name") == "function" else config
    for module in (losses, metrics):
        if isinstance(name, str) and hasattr(module, name):
            return getattr(module, name)
    return deserialize_keras_object(config)


def _is_loss(fn: Any) -> bool:
    from cornu import losses

    name = getattr(fn, "__name__", type(fn).__name__)
    found = getattr(losses, name, None)
    return found is not None and (found is fn or found is type(fn))


class NamedMean(MeanMetricWrapper):
    """A mean of a built-in function: its config holds the arguments, not the function.

    Args:
        name: See `Metric`; the function's by default.
        dtype: See `Metric`.
    """

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}

    def __getattr__(self, name: str) -> Any:
        arguments = self.__dict__.get("_fn_kwargs", {})
        if name in arguments:
            return arguments[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
