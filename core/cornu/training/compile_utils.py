"""What `compile` was given, matched with a model's outputs: one loss, and one metric, out of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu import metrics as metrics_module
from cornu import tree
from cornu.metrics.metric import Metric
from cornu.tracing.variable import Variable
from cornu.training.compile_loss import CompileLoss, get_loss, is_binary_or_sparse_categorical
from cornu.utils.failures import naming
from cornu.utils.naming import object_name

__all__ = ["CompileLoss", "CompileMetrics", "MetricsList", "get_loss", "get_metric", "is_binary_or_sparse_categorical"]


class MetricsList(Metric):
    """The metrics of one output.

    Args:
        metrics: The metrics.
        name: See `Metric`.
        output_name: The output's name, which goes before theirs in logs; None if there is one output only.
    """

    def __init__(self, metrics: Sequence[Metric], name: str = "metrics_list", output_name: str | None = None) -> None:
        super().__init__(name=name)
        self.metrics = list(metrics)
        self.output_name = output_name

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of the output."""
        for metric in self.metrics:
            with naming("metric", metric, y_true, y_pred, sample_weight=sample_weight):
                metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        return {metric.name: metric.result() for metric in self.metrics}


def get_metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric:
    """The metric meant by what `compile` was given; "accuracy" is settled by the shapes.

    Args:
        identifier: A name, config, function, class or object.
        y_true: Targets.
        y_pred: Predictions.

    Raises:
        ValueError: If nothing is found.
    """
    if identifier is None:
        raise ValueError("Expected a metric, got None.")
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        binary, sparse = is_binary_or_sparse_categorical(y_true, y_pred)
        kind = (
            metrics_module.BinaryAccuracy
            if binary
            else metrics_module.SparseCategoricalAccuracy
            if sparse
            else metrics_module.CategoricalAccuracy
        )
        return kind(name=identifier)
    found = metrics_module.get(identifier)
    name = identifier if isinstance(identifier, str) else object_name(found)
    metric: Metric = found if isinstance(found, Metric) else metrics_module.MeanMetricWrapper(found)
    metric.name = name
    return metric


def _metrics_list(metrics: Any, y_true: Any, y_pred: Any, output_name: str | None) -> MetricsList | None:
    if metrics is None:
        return None
    items = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    return MetricsList([get_metric(item, y_true, y_pred) for item in items], output_name=output_name)


class CompileMetrics(Metric):
    """All metrics given to `compile`, plain and weighted, made when the first batch shows what the outputs are.

    Args:
        metrics: A structure of metrics like the outputs; by output name; or a list for a single output.
        weighted_metrics: The same, for metrics that take sample weights.
        name: See `Metric`.
        output_names: The outputs' names, in order.

    Raises:
        ValueError: If one is neither list, tuple nor dict, or does not fit the outputs.
    """

    def __init__(
        self,
        metrics: Any,
        weighted_metrics: Any = None,
        name: str = "compile_metrics",
        output_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name=name)
        for argument, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given and not isinstance(given, (list, tuple, dict)):
                raise ValueError(
                    f"`{argument}` must be a list, tuple or dict, got {given!r} of type {type(given).__name__}."
                )
        self._given = (metrics, weighted_metrics)
        self.output_names = None if output_names is None else list(output_names)
        self.built = False
        self._plain: list[MetricsList | None] = []
        self._weighted: list[MetricsList | None] = []
        self._order: list[str] | None = None

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, flat; none before the first batch."""
        return [metric for held in (*self._plain, *self._weighted) if held is not None for metric in held.metrics]

    @property
    def variables(self) -> list[Variable]:
        """The metrics' variables."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the metrics for outputs of this structure and these shapes."""
        count = len(tree.flatten(y_pred))
        flat = tree.is_nested(y_pred) and len(y_pred) == count
        names = self.output_names
        if flat and isinstance(y_pred, Mapping) and not (names and set(y_pred) == set(names)):
            names = sorted(y_pred)
        self._order = list(names) if names and flat and count > 1 else None
        self._plain = self._match(self._given[0], "metrics", y_true, y_pred, names, flat)
        self._weighted = self._match(self._given[1], "weighted_metrics", y_true, y_pred, names, flat)
        self.built = True

    def _match(
        self, given: Any, argument: str, y_true: Any, y_pred: Any, names: Sequence[str] | None, flat: bool
    ) -> list[MetricsList | None]:
        """One list of metrics per output."""
        trues, preds = self._flatten(y_true), self._flatten(y_pred)
        count = len(preds)
        if not given:
            return [None] * count
        if count == 1:
            return [_metrics_list(tree.flatten(given), trues[0], preds[0], None)]
        per_output: Sequence[Any] | None = None
        if flat and isinstance(given, (list, tuple)) and len(given) == count:
            per_output = given
        elif flat and names and isinstance(given, Mapping) and set(given) <= set(names):
            per_output = [given.get(name) for name in names]
        elif not flat:
            per_output = _spread(given, y_pred)
        if per_output is None:
            outputs = f"the outputs {list(names)}" if names else f"outputs of the form {tree.describe(y_pred)}"
            raise ValueError(f"`{argument}` does not fit {outputs}: got {given!r}.")
        labels: Sequence[str | None] = names or [None] * count
        return [_metrics_list(*each) for each in zip(per_output, trues, preds, labels, strict=True)]

    def _flatten(self, y: Any) -> list[Any]:
        if isinstance(y, Mapping) and self._order is not None:
            return [y[name] for name in self._order]
        return tree.flatten(y)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of all outputs."""
        if not self.built:
            self.build(y_true, y_pred)
        trues, preds = self._flatten(y_true), self._flatten(y_pred)
        weights = [None] if sample_weight is None else self._flatten(sample_weight)
        if len(weights) < len(preds):
            weights = [weights[0]] * len(preds)
        for plain, true, pred in zip(self._plain, trues, preds, strict=False):
            if plain is not None:
                plain.update_state(true, pred)
        for weighted, true, pred, weight in zip(self._weighted, trues, preds, weights, strict=False):
            if weighted is not None:
                weighted.update_state(true, pred, weight)

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The results by the names that logs use.

        Raises:
            ValueError: Before the first batch.
        """
        if not self.built:
            raise ValueError("The metrics given to `compile` have no result before the first batch.")
        results: dict[str, Any] = {}
        for held, weighted in ((self._plain, False), (self._weighted, True)):
            for group in held:
                for metric in [] if group is None else group.metrics:
                    prefix = f"{group.output_name}_" if group is not None and group.output_name else ""
                    results[_free_name(results, prefix, metric.name, weighted)] = metric.result()
        return results


def _free_name(taken: Mapping[str, Any], prefix: str, name: str, weighted: bool) -> str:
    """`accuracy`, else `weighted_accuracy` where that is so, else with a number."""
    full = prefix + name
    if full in taken and weighted:
        full = f"{prefix}weighted_{name}"
    number, free = 0, full
    while free in taken:
        number += 1
        free = f"{full}_{number}"
    return free


def _spread(given: Any, y_pred: Any) -> list[Any] | None:
    """Metrics given in the nested form of the outputs, one entry per output; None if the forms differ."""
    if not tree.is_nested(y_pred):
        return [given]
    if isinstance(y_pred, Mapping):
        if not isinstance(given, Mapping) or not set(given) <= set(y_pred):
            return None
        parts = [_spread(given.get(key), y_pred[key]) for key in sorted(y_pred)]
    else:
        if not isinstance(given, (list, tuple)) or len(given) != len(y_pred):
            return None
        parts = [_spread(part, pred) for part, pred in zip(given, y_pred, strict=True)]
    if any(part is None for part in parts):
        return None
    return [item for part in parts for item in part or []]
