"""Metrics: hand numbers, state, programs, names, errors. Keras's own numbers are in tests/keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import metrics, ops


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


def test_mean_over_batches_of_different_sizes() -> None:
    mean = metrics.Mean()
    mean.update_state([1.0, 2.0, 3.0])
    mean.update_state([10.0])
    assert float(mean.result()) == pytest.approx(4.0)
    mean.reset_state()
    assert float(mean.result()) == 0.0
    mean.update_state([1.0, 5.0], sample_weight=[3.0, 1.0])
    assert float(mean.result()) == pytest.approx(2.0)


def test_accuracies_by_hand() -> None:
    scores = [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]
    assert float(metrics.SparseCategoricalAccuracy()([1, 1, 1], scores)) == pytest.approx(2 / 3)
    assert float(metrics.CategoricalAccuracy()([[0, 1], [0, 1], [0, 1]], scores)) == pytest.approx(2 / 3)
    assert float(metrics.BinaryAccuracy()([[1], [0], [1]], [[0.9], [0.2], [0.4]])) == pytest.approx(2 / 3)
    weighted = metrics.SparseCategoricalAccuracy()
    weighted.update_state([1, 1, 1], scores, sample_weight=[1.0, 2.0, 1.0])
    assert float(weighted.result()) == pytest.approx(0.5)


def test_top_k() -> None:
    scores = [[0.1, 0.9, 0.8, 0.0], [0.05, 0.95, 0.0, 0.1]]
    assert float(metrics.SparseTopKCategoricalAccuracy(k=2)([2, 0], scores)) == pytest.approx(0.5)
    assert float(metrics.TopKCategoricalAccuracy(k=3)(np.eye(4)[[0, 0]], scores)) == pytest.approx(1.0)


def test_masked_predictions_are_left_out() -> None:
    pred = ops.convert_to_tensor([[1.0], [5.0]])
    pred._keras_mask = ops.convert_to_tensor([True, False])
    assert float(metrics.MeanSquaredError()([[0.0], [0.0]], pred)) == pytest.approx(1.0)


def test_area_under_the_curve_by_hand() -> None:
    """Of the 4 pairs of a positive and a negative, 3 are in the right order."""
    found = float(metrics.AUC(num_thresholds=2000)([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]))
    assert found == pytest.approx(0.75, abs=1e-3)


def test_precision_and_recall_by_hand() -> None:
    true, pred = [1, 1, 0, 0, 1], [0.9, 0.2, 0.8, 0.1, 0.7]
    assert float(metrics.Precision()(true, pred)) == pytest.approx(2 / 3)
    assert float(metrics.Recall()(true, pred)) == pytest.approx(2 / 3)
    at = metrics.Precision(thresholds=[0.15, 0.85])(true, pred).numpy()
    np.testing.assert_allclose(at, [3 / 4, 1.0])
    assert float(metrics.FalsePositives()(true, pred)) == 1.0
    assert float(metrics.TrueNegatives()(true, pred)) == 1.0


def test_intersection_over_union_by_hand() -> None:
    """Class 0: 1 of 2 united; class 1: 2 of 3."""
    found = float(metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 1, 1]))
    assert found == pytest.approx((1 / 2 + 2 / 3) / 2, rel=1e-5)


def test_variables_have_keras_names_and_paths() -> None:
    metric = metrics.Mean(name="a/b")
    assert [variable.path for variable in metric.variables] == ["a>b/total", "a>b/count"]
    assert [variable.name for variable in metric.variables] == ["total", "count"]
    assert not any(variable.trainable for variable in metric.variables)


def test_a_metric_of_a_user_and_metrics_inside_metrics() -> None:
    class Range(metrics.Metric):
        def __init__(self, name: str = "range") -> None:
            super().__init__(name=name)
            self.low = self.add_weight(initializer="zeros", name="low")
            self.mean = metrics.Mean()

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.low.assign(ops.minimum(self.low, ops.min(y_pred)))
            self.mean.update_state(y_pred)

        def result(self) -> Any:
            return {"low": self.low.value, "mean": self.mean.result()}

    metric = Range()
    metric.update_state(None, [-1.0, 3.0])
    assert {key: float(value) for key, value in metric.result().items()} == {"low": -1.0, "mean": 1.0}
    assert [variable.name for variable in metric.variables] == ["low", "total", "count"]
    metric.reset_state()
    assert float(metric.result()["low"]) == 0.0


def test_without_side_effects() -> None:
    metric = metrics.Mean()
    metric.update_state([4.0])
    values = metric.stateless_update_state([0.0, 0.0], [1.0, 2.0])
    assert [float(value) for value in values] == [3.0, 2.0]
    assert float(metric.stateless_result(values)) == 1.5
    assert [float(value) for value in metric.stateless_reset_state()] == [0.0, 0.0]
    assert float(metric.result()) == 4.0
    with pytest.raises(ValueError, match=r"2 variables, got 1"):
        metric.stateless_result([1.0])


def test_in_a_program_with_a_batch_of_any_size() -> None:
    metric = metrics.MeanSquaredError()

    @cornu.function
    def step(true: Any, pred: Any) -> Any:
        metric.update_state(true, pred)
        return metric.result()

    for batch in (2, 6):
        last = step(ops.zeros((batch, 1)), ops.convert_to_tensor(np.full((batch, 1), batch, "float32")))
    # (2 · 4 + 6 · 36) / 8
    assert float(last) == pytest.approx(28.0)
    assert float(metric.count.numpy()) == 8.0


def test_get_by_name_alias_and_config() -> None:
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("sparse_categorical_accuracy"), metrics.SparseCategoricalAccuracy)
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    assert metrics.get(None) is None
    with pytest.raises(ValueError, match="metric identifier: 'accurracy'"):
        metrics.get("accurracy")


@pytest.mark.parametrize(
    "metric",
    [
        metrics.AUC(curve="PR", num_thresholds=20, name="auc"),
        metrics.Precision(thresholds=[0.2, 0.4], class_id=1, name="p"),
        metrics.FBetaScore(beta=2.0, average="macro", name="f"),
        metrics.IoU(3, [0, 1], name="i"),
        metrics.BinaryAccuracy(threshold=0.3, name="b"),
        metrics.MeanMetricWrapper(cornu.losses.mean_squared_error, name="w"),
        metrics.R2Score(num_regressors=1, name="r"),
        metrics.RecallAtPrecision(0.4, name="rp"),
    ],
    ids=lambda metric: type(metric).__name__,
)
def test_configs_return(metric: Any) -> None:
    found = metrics.deserialize(metrics.serialize(metric))
    assert type(found) is type(metric)
    assert found.get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), r"in \[0, 1\]"),
        (lambda: metrics.AUC(num_thresholds=1), "greater than 1"),
        (lambda: metrics.AUC(curve="LIFT"), "'LIFT'"),
        (lambda: metrics.AUC(num_labels=2), "multi_label"),
        (lambda: metrics.FBetaScore(beta=1), "positive float"),
        (lambda: metrics.FBetaScore(average="all"), "'micro'"),
        (lambda: metrics.F1Score()([1.0], [1.0]), r"\[batch, classes\]"),
        (lambda: metrics.IoU(2, [2]), "not in"),
        (lambda: metrics.R2Score(class_aggregation="sum"), "class_aggregation"),
        (lambda: metrics.SensitivityAtSpecificity(1.5), "specificity"),
        (lambda: metrics.Recall(class_id=0)([1.0], [1.0]), "class_id"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_float_weights_of_integer_counts_warn() -> None:
    with pytest.warns(UserWarning, match="truncated"):
        metrics.MeanIoU(2)([0, 1], [0, 1], sample_weight=[0.5, 0.5])
    weighted = metrics.MeanIoU(2, dtype="float32")
    weighted.update_state([0, 0, 1], [0, 1, 1], sample_weight=[1.0, 0.5, 1.0])
    # Class 0: 1 / 1.5; class 1: 1 / 1.5.
    assert float(weighted.result()) == pytest.approx(2 / 3, rel=1e-5)


def test_super_must_be_called() -> None:
    class Careless(metrics.Metric):
        def __init__(self) -> None:
            self.total = self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match="super"):
        Careless()
