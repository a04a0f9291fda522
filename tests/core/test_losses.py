"""Losses: hand numbers, reductions, weights, masks, logits, errors. Keras's own numbers are in tests/keras."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import losses, ops


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


TRUE = [[0.0, 2.0], [1.0, 1.0]]
PRED = [[1.0, 0.0], [1.0, 3.0]]


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        # Per sample: (1 + 4) / 2 = 2.5 and (0 + 4) / 2 = 2; weights 1 and 3.
        ("sum_over_batch_size", 2.25, (2.5 + 6) / 2),
        ("mean", 2.25, (2.5 + 6) / 2),
        ("mean_with_sample_weight", 2.25, (2.5 + 6) / 4),
        ("sum", 4.5, 8.5),
        ("none", [2.5, 2.0], [2.5, 6.0]),
        (None, [2.5, 2.0], [2.5, 6.0]),
    ],
)
def test_reductions(reduction: str | None, plain: Any, weighted: Any) -> None:
    loss = losses.MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(TRUE, PRED).numpy(), plain)
    np.testing.assert_allclose(loss(TRUE, PRED, sample_weight=[1.0, 3.0]).numpy(), weighted)


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match="'median'"):
        losses.MeanSquaredError(reduction="median")


def test_a_mask_leaves_positions_out_of_the_mean() -> None:
    pred = ops.convert_to_tensor(np.zeros((1, 3, 1), "float32"))
    pred._keras_mask = ops.convert_to_tensor([[True, True, False]])
    true = np.array([[[1.0], [2.0], [100.0]]], "float32")
    assert float(losses.MeanSquaredError()(true, pred)) == pytest.approx((1 + 4) / 2)
    assert float(losses.MeanSquaredError(reduction="sum")(true, pred)) == pytest.approx(5)


def test_weights_per_position() -> None:
    true, pred = np.zeros((2, 3, 1), "float32"), np.ones((2, 3, 1), "float32")
    weight = np.array([[1.0, 0.0, 1.0], [0.5, 0.5, 0.0]], "float32")
    assert float(losses.MeanSquaredError(reduction="sum")(true, pred, sample_weight=weight)) == pytest.approx(3.0)


def test_weights_per_sample_count_for_all_its_positions() -> None:
    true, pred = np.zeros((2, 3, 4), "float32"), np.ones((2, 3, 4), "float32")
    loss = losses.MeanSquaredError(reduction="sum")
    assert float(loss(true, pred, sample_weight=np.array([1.0, 2.0], "float32"))) == pytest.approx(3 * 1 + 3 * 2)


def test_crossentropies_by_hand() -> None:
    p = [[0.25, 0.75]]
    assert float(losses.BinaryCrossentropy()([[0.0, 1.0]], [[0.25, 0.75]])) == pytest.approx(-math.log(0.75))
    assert float(losses.CategoricalCrossentropy()([[0.0, 1.0]], p)) == pytest.approx(-math.log(0.75))
    assert float(losses.SparseCategoricalCrossentropy()([1], p)) == pytest.approx(-math.log(0.75))
    # With smoothing 0.2 the target is (0.1, 0.9).
    smooth = losses.CategoricalCrossentropy(label_smoothing=0.2)([[0.0, 1.0]], p)
    assert float(smooth) == pytest.approx(-0.1 * math.log(0.25) - 0.9 * math.log(0.75), rel=1e-5)
    logits = losses.SparseCategoricalCrossentropy(from_logits=True)([1], [[0.0, math.log(3.0)]])
    assert float(logits) == pytest.approx(-math.log(0.75), rel=1e-5)


def test_probabilities_are_normalised_and_clipped() -> None:
    assert float(losses.CategoricalCrossentropy()([[0.0, 1.0]], [[1.0, 3.0]])) == pytest.approx(-math.log(0.75))
    assert float(losses.CategoricalCrossentropy()([[0.0, 1.0]], [[1.0, 0.0]])) == pytest.approx(
        -math.log(1e-7), rel=1e-5
    )


def test_an_ignored_class_counts_nothing() -> None:
    p = [[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    want = (-math.log(0.75) - math.log(0.9)) / 2
    assert float(loss([1, -1, 0], p)) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("softmax", [True, False])
def test_behind_a_softmax_the_logits_count(softmax: bool) -> None:
    """Probabilities that round to 0 give `log(sum exp)` exactly, where clipping would give 16.1."""
    logits = ops.convert_to_tensor([[0.0, 100.0]])
    if softmax:
        value = losses.CategoricalCrossentropy()([[1.0, 0.0]], cornu.activations.softmax(logits))
        assert float(value) == pytest.approx(100.0)
        value = losses.SparseCategoricalCrossentropy()([0], cornu.activations.softmax(logits))
        assert float(value) == pytest.approx(100.0)
    else:
        value = losses.BinaryCrossentropy()([[1.0, 0.0]], cornu.activations.sigmoid(logits))
        assert float(value) == pytest.approx((math.log(2) + 100.0) / 2)


def test_from_logits_behind_a_softmax_warns() -> None:
    pred = cornu.activations.softmax(ops.convert_to_tensor([[0.0, 1.0]]))
    with pytest.warns(UserWarning, match="logits"):
        losses.CategoricalCrossentropy(from_logits=True)([[1.0, 0.0]], pred)


def test_gradients_of_crossentropy_after_softmax() -> None:
    """`p - y`, over the batch."""
    logits = np.array([[0.3, -1.0, 2.0], [0.0, 0.5, 0.5]], "float32")
    true = np.eye(3, dtype="float32")[[2, 0]]

    def loss(x: Any) -> Any:
        return losses.CategoricalCrossentropy()(true, cornu.activations.softmax(x))

    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found = cornu.grad(loss)(ops.convert_to_tensor(logits))
    np.testing.assert_allclose(found.numpy(), (p - true) / 2, atol=1e-6)


def test_regression_by_hand() -> None:
    assert float(losses.MeanAbsoluteError()(TRUE, PRED)) == pytest.approx((1 + 2 + 0 + 2) / 4)
    # |e| = 1, 2, 0, 2 with delta 1: 0.5, 1.5, 0, 1.5.
    assert float(losses.Huber()(TRUE, PRED)) == pytest.approx(3.5 / 4)
    assert float(losses.LogCosh()([[0.0]], [[2.0]])) == pytest.approx(math.log(math.cosh(2.0)), rel=1e-5)
    assert float(losses.CosineSimilarity()([[3.0, 4.0]], [[4.0, 3.0]])) == pytest.approx(-24 / 25)
    assert float(losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])) == pytest.approx(
        0.5 * math.log(2) + 0.5 * math.log(2 / 3), rel=1e-5
    )
    assert float(losses.Poisson()([[2.0]], [[3.0]])) == pytest.approx(3 - 2 * math.log(3), rel=1e-5)
    assert float(losses.Hinge()([[0.0, 1.0]], [[0.5, 0.5]])) == pytest.approx((1.5 + 0.5) / 2)
    assert float(losses.MeanAbsolutePercentageError()([[2.0]], [[3.0]])) == pytest.approx(50.0)


def test_ranks_that_differ_by_one_axis_are_matched() -> None:
    """[3] against [3, 1] is not an outer difference."""
    assert float(losses.MeanSquaredError()([1.0, 2.0, 3.0], [[1.0], [2.0], [5.0]])) == pytest.approx(4 / 3)


def test_a_function_as_a_loss_and_a_subclass() -> None:
    def quartic(y_true: Any, y_pred: Any, scale: float) -> Any:
        return ops.mean(scale * (y_true - y_pred) ** 4, axis=-1)

    assert float(losses.LossFunctionWrapper(quartic, scale=0.5)([[0.0]], [[2.0]])) == pytest.approx(8.0)

    class Empty(losses.Loss):
        pass

    with pytest.raises(TypeError, match=r"Empty must override `call"):
        Empty()([[0.0]], [[1.0]])


def test_get_by_name_alias_class_and_config() -> None:
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get("MSE") is losses.get("mean_squared_error")
    assert isinstance(losses.get("BinaryCrossentropy"), losses.BinaryCrossentropy)
    assert losses.get(None) is None
    with pytest.raises(ValueError, match="loss identifier: 'msq'"):
        losses.get("msq")
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction="sum")
    found = losses.deserialize(losses.serialize(loss))
    assert found.get_config() == loss.get_config()
    assert found.from_logits is True


def test_dtypes() -> None:
    assert losses.MeanSquaredError(dtype="float16")(TRUE, PRED).dtype == "float16"
    assert losses.MeanSquaredError()(np.zeros((2, 1), "int32"), np.ones((2, 1), "float64")).dtype == "float32"
    assert losses.MeanSquaredError(dtype="mixed_bfloat16").dtype == "bfloat16"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.5), "in \\(0, 1\\)"),
        (lambda: losses.categorical_crossentropy([[1.0, 0.0]], [[1.0, 0.0]], axis=True), "axis"),
        (lambda: losses.ctc([1.0], [[1.0]]), "max length"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_class_warns() -> None:
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy([[1.0]], [[1.0]])


def test_a_loss_in_a_program_with_a_batch_of_any_size() -> None:
    """One program for batches of 2 and 5: the mean's divisor is the run's batch."""
    loss = losses.MeanSquaredError()
    step = cornu.function(lambda y, p: loss(y, p))
    for batch in (2, 5):
        true, pred = np.zeros((batch, 3), "float32"), np.full((batch, 3), 2.0, "float32")
        assert float(step(ops.convert_to_tensor(true), ops.convert_to_tensor(pred))) == pytest.approx(4.0)


def test_ctc_by_counting_alignments() -> None:
    """Two times, classes blank, 1 and 2: the label 1 is spelled by (1, 1), (0, 1) and (1, 0)."""
    p = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    found = float(losses.ctc([[1]], np.log(p)[None].astype("float32"))[0])
    assert found == pytest.approx(-math.log(0.5 * 0.3 + 0.2 * 0.3 + 0.5 * 0.6), rel=1e-5)


def test_gradient_of_ctc_by_differences() -> None:
    logits = np.sin(np.arange(24.0)).reshape(2, 4, 3).astype("float32")
    labels = np.array([[1, 2], [1, 1]])
    found = cornu.grad(lambda x: ops.sum(losses.ctc(labels, x)))(ops.convert_to_tensor(logits)).numpy()
    for index in ((0, 0, 0), (0, 2, 1), (1, 1, 1), (1, 3, 0)):
        step = np.zeros_like(logits)
        step[index] = 1e-2
        ends = [float(ops.sum(losses.ctc(labels, ops.convert_to_tensor(logits + s)))) for s in (step, -step)]
        assert found[index] == pytest.approx((ends[0] - ends[1]) / 2e-2, abs=2e-3)
    np.testing.assert_allclose(found.sum(-1), 0, atol=1e-5)
