"""What `compile` is given, matched with outputs; the names in logs are also checked against Keras in tests/keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import losses, metrics, ops
from cornu.training.compile_utils import CompileLoss, CompileMetrics, get_loss, get_metric


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


def full(value: float, *shape: int) -> Any:
    return ops.convert_to_tensor(np.full(shape, value, "float32"))


ONE, TWO, THREE = full(1.0, 2, 1), full(2.0, 2, 1), full(3.0, 2, 1)
ZERO = full(0.0, 2, 1)


@pytest.mark.parametrize(
    ("true", "pred", "metric", "loss"),
    [
        ((4, 1), (4, 1), metrics.BinaryAccuracy, losses.binary_crossentropy),
        ((4,), (4, 5), metrics.SparseCategoricalAccuracy, losses.sparse_categorical_crossentropy),
        ((4, 1), (4, 5), metrics.SparseCategoricalAccuracy, losses.sparse_categorical_crossentropy),
        ((4, 5), (4, 5), metrics.CategoricalAccuracy, losses.categorical_crossentropy),
        ((4, 7), (4, 7, 5), metrics.SparseCategoricalAccuracy, losses.sparse_categorical_crossentropy),
    ],
)
def test_accuracy_and_crossentropy_go_by_the_shapes(true: Any, pred: Any, metric: Any, loss: Any) -> None:
    y_true, y_pred = full(0.0, *true), full(0.5, *pred)
    for name in ("accuracy", "acc"):
        found = get_metric(name, y_true, y_pred)
        assert type(found) is metric
        assert found.name == name
    assert get_loss("crossentropy", y_true, y_pred).fn is loss


def test_names_of_metrics() -> None:
    def my_metric(y_true: Any, y_pred: Any) -> Any:
        return ops.abs(y_true - y_pred)

    assert get_metric("mse", ONE, ONE).name == "mse"
    assert get_metric(my_metric, ONE, ONE).name == "my_metric"
    assert get_metric(metrics.MeanSquaredError(name="own"), ONE, ONE).name == "own"
    assert get_metric(losses.mean_squared_error, ONE, ONE).name == "mean_squared_error"


def results(held: CompileMetrics) -> dict[str, float]:
    return {name: float(value) for name, value in held.result().items()}


def test_metrics_of_one_output() -> None:
    held = CompileMetrics(["mae", "mse"], ["mae"], output_names=["out"])
    held.update_state(ZERO, TWO, full(3.0, 2))
    assert results(held) == {"mae": 2.0, "mse": 4.0, "weighted_mae": 2.0}
    held.reset_state()
    assert results(held)["mae"] == 0.0
    assert len(held.metrics) == 3
    assert len(held.variables) == 6


def test_metrics_of_two_outputs() -> None:
    for given in ({"b": ["mae"], "a": "mse"}, ["mse", "mae"], [["mse"], ["mae"]]):
        held = CompileMetrics(given, None, output_names=["a", "b"])
        held.update_state([ZERO, ZERO], [TWO, THREE])
        assert results(held) == {"a_mse": 4.0, "b_mae": 3.0}


def test_metrics_of_outputs_in_a_dict_and_in_a_nest() -> None:
    held = CompileMetrics({"b": "mae"}, None)
    held.update_state({"a": ZERO, "b": ZERO}, {"a": TWO, "b": THREE})
    assert results(held) == {"b_mae": 3.0}
    held = CompileMetrics([["mae", "mse"], "mae"], None)
    held.update_state([[ZERO, ZERO], ZERO], [[ONE, TWO], THREE])
    assert results(held) == {"mae": 1.0, "mse": 4.0, "mae_1": 3.0}


def test_metrics_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="list, tuple or dict"):
        CompileMetrics("mae", None)
    for given in (["mae"], {"c": "mae"}):
        with pytest.raises(ValueError, match=r"does not fit.*'a', 'b'"):
            CompileMetrics(given, None, output_names=["a", "b"]).update_state([ONE, ONE], [ONE, ONE])
    with pytest.raises(ValueError, match="before the first batch"):
        CompileMetrics(["mae"], None).result()


def test_one_loss() -> None:
    loss = CompileLoss("mse", loss_weights=0.5)
    assert float(loss(ZERO, TWO)) == 2.0
    assert loss.metrics == []
    assert float(loss(ZERO, TWO, sample_weight=full(0.5, 2))) == 1.0


@pytest.mark.parametrize(
    ("given", "weights", "total"),
    [
        ("mse", None, 4.0 + 9.0),
        (["mse", "mae"], None, 4.0 + 3.0),
        ({"b": "mae", "a": "mse"}, None, 4.0 + 3.0),
        (["mse", "mae"], [2.0, 0.5], 8.0 + 1.5),
        ({"a": "mse", "b": "mae"}, {"b": 0.5, "a": 2.0}, 8.0 + 1.5),
        (["mse", None], None, 4.0),
        ([None, losses.MeanAbsoluteError()], None, 3.0),
    ],
)
def test_losses_of_two_outputs(given: Any, weights: Any, total: float) -> None:
    loss = CompileLoss(given, weights, output_names=["a", "b"])
    assert float(loss([ZERO, ZERO], [TWO, THREE])) == pytest.approx(total)
    if None in (given if isinstance(given, list) else []):
        assert loss.metrics == []
    else:
        assert [metric.name for metric in loss.metrics] == ["a_loss", "b_loss"]
        assert float(loss.metrics[1].result()) in (3.0, 9.0)


def test_targets_by_name_flat_or_only_where_there_is_a_loss() -> None:
    loss = CompileLoss(["mse", "mae"], output_names=["a", "b"])
    assert float(loss({"b": ONE, "a": ZERO}, [TWO, THREE])) == 4.0 + 2.0
    loss = CompileLoss(["mse", None], output_names=["a", "b"])
    assert float(loss([ZERO], [TWO, THREE])) == 4.0
    loss = CompileLoss({"x": "mse", "y": "mae"})
    assert float(loss({"x": ZERO, "y": ZERO}, {"y": THREE, "x": TWO})) == 4.0 + 3.0
    assert [metric.name for metric in loss.metrics] == ["x_loss", "y_loss"]


def test_weights_per_output() -> None:
    loss = CompileLoss("mse", output_names=["a", "b"])
    found = loss([ZERO, ZERO], [TWO, THREE], sample_weight=[full(1.0, 2), full(0.0, 2)])
    assert float(found) == 4.0


def test_means_of_losses_count_samples() -> None:
    loss = CompileLoss(["mse", "mse"], output_names=["a", "b"])
    loss([full(0.0, 1, 1)] * 2, [full(1.0, 1, 1)] * 2)
    loss([full(0.0, 3, 1)] * 2, [full(3.0, 3, 1)] * 2)
    # One sample of loss 1 and three of loss 9.
    assert float(loss.metrics[0].result()) == pytest.approx(28 / 4)


def test_losses_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="float for a single output"):
        CompileLoss("mse", loss_weights="0.5")
    with pytest.raises(ValueError, match=r"keys \['a', 'b'\]"):
        CompileLoss({"a": "mse", "c": "mse"}, output_names=["a", "b"])([ONE, ONE], [ONE, ONE])
    with pytest.raises(ValueError, match="2 losses and 1 weights"):
        CompileLoss(["mse", "mae"], [1.0], output_names=["a", "b"])([ONE, ONE], [ONE, ONE])
    with pytest.raises(ValueError, match="do not fit outputs"):
        CompileLoss("mse", output_names=["a", "b"])([ONE, ONE, ONE], [ONE, ONE])
    with pytest.raises(KeyError, match="no output there"):
        CompileLoss({"a": "mse", "z": "mae"})({"a": ONE, "b": ONE}, {"a": ONE, "b": ONE})


def test_a_loss_of_a_nested_output() -> None:
    class Sum(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return ops.square(y_true[0] - y_pred[0]) + ops.square(y_true[1] - y_pred[1])

    loss = CompileLoss({"pair": Sum(), "single": "mae"})
    found = loss({"pair": [ZERO, ZERO], "single": ZERO}, {"pair": [ONE, TWO], "single": THREE})
    assert float(found) == pytest.approx(5.0 + 3.0)


def test_what_compile_was_given_is_no_part_of_the_model() -> None:
    metric = cornu.metrics.Mean(name="given")
    inner = cornu.layers.Dense(1)

    class Perceptual(cornu.losses.Loss):
        def __init__(self) -> None:
            super().__init__()
            self.layer = inner

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return cornu.ops.square(y_true - y_pred)

    model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    model.compile("sgd", Perceptual(), metrics=[[metric]])
    assert [each.name for each in model.metrics] == ["loss", "compile_metrics"]
    assert inner not in model.layers
