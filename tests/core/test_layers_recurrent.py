"""Recurrent layers: what draws beside Keras cannot show. Statefulness, users' cells, masks, dropout, errors, export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers, ops, use_backend

R = np.random.RandomState(0)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    keras.utils.set_random_seed(0)
    R.seed(0)
    with use_backend(request.param):
        yield request.param


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


def model_of(layer: Any, *shape: int | None, batch: int | None = None) -> Any:
    inputs = keras.Input(shape, batch_size=batch)
    return keras.Model(inputs, layer(inputs))


# -- masks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_what_is_in_masked_steps_does_not_matter(make: Any) -> None:
    x, mask = draw(2, 6, 3), R.rand(2, 6) < 0.5
    mask[:, 0] = True
    other = np.where(mask[..., None], x, np.nan)
    layer = make(4, return_sequences=True, return_state=True)
    for left, right in zip(layer(x, mask=mask), layer(other, mask=mask), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
    kept = [row[m] for row, m in zip(x, mask, strict=True)]  # the steps that count, without the others
    last = [layer(row[None])[1] for row in kept]
    np.testing.assert_allclose(layer(x, mask=mask)[1], np.concatenate(last), rtol=1e-4, atol=1e-5)


def test_masks_are_handed_on() -> None:
    x = keras.Input((None, 3))
    masked = layers.Masking()(x)
    assert layers.LSTM(2, return_sequences=True)(masked)._keras_mask is not None
    assert layers.LSTM(2)(masked)._keras_mask is None
    first, *states = layers.GRU(2, return_sequences=True, return_state=True)(masked)
    assert first._keras_mask is not None
    assert [state._keras_mask for state in states] == [None]
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=None)(masked)
    assert all(output._keras_mask is not None for output in both)


def test_the_mask_of_an_embedding_ends_a_sequence() -> None:
    words = np.array([[3, 1, 2, 0, 0], [2, 2, 2, 2, 2]])
    inputs = keras.Input((None,), dtype="int32")
    outputs = layers.Bidirectional(layers.LSTM(3))(layers.Embedding(5, 4, mask_zero=True)(inputs))
    model = keras.Model(inputs, outputs)
    whole = model.predict(words, verbose=0)
    np.testing.assert_allclose(whole[:1], model.predict(words[:1, :3], verbose=0), rtol=1e-4, atol=1e-6)


def test_beside_first_states_only_a_mask_given_by_name_counts() -> None:
    """As in Keras, whose files would predict something else otherwise."""
    x, start = np.concatenate([draw(2, 3, 3), np.zeros((2, 2, 3), np.float32)], 1), draw(2, 4)
    layer = layers.GRU(4)
    sequences, state = keras.Input((5, 3)), keras.Input((4,))
    masked = layers.Masking()(sequences)
    plain = keras.Model([sequences, state], layer(masked, initial_state=state))
    named = keras.Model([sequences, state], layer(masked, initial_state=state, mask=masked._keras_mask))
    whole, short = layer(x, initial_state=start), layer(x[:, :3], initial_state=start)
    np.testing.assert_allclose(plain.predict([x, start], verbose=0), whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(named.predict([x, start], verbose=0), short, rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(whole) - np.asarray(short)).max() > 1e-3


# -- states ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_a_stateful_layer_goes_on_where_it_stopped(make: Any) -> None:
    x = draw(2, 6, 3)
    whole = make(4)
    expected = whole(x)
    layer = make(4, stateful=True)
    model = model_of(layer, 3, 3, batch=2)
    layer.set_weights(whole.get_weights())
    model.predict(x[:, :3], verbose=0)
    np.testing.assert_allclose(model.predict(x[:, 3:], verbose=0), expected, rtol=1e-4, atol=1e-5)
    layer.reset_state()
    layer(x[:, :3])
    np.testing.assert_allclose(layer(x[:, 3:]), expected, rtol=1e-4, atol=1e-5)
    layer.reset_states()
    assert not any(state.numpy().any() for state in layer.states)


def test_training_and_another_backend_go_on_with_the_states(backend: str) -> None:
    x = draw(2, 4, 3)
    layer = layers.LSTM(2, stateful=True)
    model = model_of(layer, 2, 3, batch=2)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    expected = layers.LSTM(2)
    expected.build(x.shape)
    expected.set_weights(layer.get_weights())
    model.train_on_batch(x[:, :2], np.zeros((2, 2)))
    with use_backend("numpy" if backend == "onnxruntime" else "onnxruntime"):
        after = model.predict(x[:, 2:], verbose=0)
    np.testing.assert_allclose(after, expected(x), rtol=1e-4, atol=1e-5)


def test_states_are_no_weights_and_not_in_files(tmp_path: Path) -> None:
    layer = layers.LSTM(2, stateful=True, name="lstm")
    model = model_of(layer, 3, 3, batch=2)
    model.predict(draw(2, 3, 3), verbose=0)
    assert [state.path for state in layer.states] == ["lstm/rnn_state", "lstm/rnn_state"]
    assert not any(state.trainable for state in layer.states)
    assert [weight.name for weight in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras").get_layer("lstm")
    assert layer.states[0].numpy().any()
    assert not loaded.states[0].numpy().any()


def test_a_stateful_stack_and_both_directions() -> None:
    x = draw(2, 3, 3)
    layer = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], stateful=True)
    first, second = np.asarray(layer(x)), np.asarray(layer(x))
    assert np.abs(first - second).max() > 1e-4
    assert [[state.shape for state in states] for states in layer.states] == [[(2, 2), (2, 2)], [(2, 3)]]
    both = layers.Bidirectional(layers.GRU(2, stateful=True))
    first = np.asarray(both(x))
    assert len(both.states) == 2
    assert np.abs(first - np.asarray(both(x))).max() > 1e-4
    both.reset_states()
    np.testing.assert_allclose(both(x), first, rtol=1e-5, atol=1e-6)
    with pytest.raises(AttributeError, match="not stateful"):
        layers.Bidirectional(layers.GRU(2)).reset_state()


@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_first_states_may_come_in_the_list_of_inputs(make: Any) -> None:
    """As files of Keras 2 have it."""
    x, states = draw(2, 4, 3), [draw(2, 4) for _ in range(2 if make is layers.LSTM else 1)]
    layer = make(4)
    np.testing.assert_array_equal(layer([x, *states]), layer(x, initial_state=states))
    symbolic = [keras.Input((4, 3)), *(keras.Input((4,)) for _ in states)]
    model = keras.Model(symbolic, layer(symbolic))
    np.testing.assert_allclose(model.predict([x, *states], verbose=0), layer(x, states), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="both in the list"):
        layer([x, *states], initial_state=states)
    both = layers.Bidirectional(make(4))
    np.testing.assert_array_equal(both([x, *states, *states]), both(x, initial_state=[*states, *states]))


# -- dropout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_dropout_sets_whole_features_to_zero_in_all_steps(make: Any) -> None:
    """With ones as inputs and kernel and without recurrence the first output tells how many features were kept."""
    features = 2000
    layer = make(1, dropout=0.4, seed=1, use_bias=False, return_sequences=True, activation="linear")
    x = np.ones((3, 5, features), np.float32)
    layer.build(x.shape)
    for weight in layer.weights:
        weight.assign(ops.full(weight.shape, 1e-4 if weight.name == "kernel" else 0.0))
    plain = np.asarray(layer(x))
    np.testing.assert_array_equal(plain, np.asarray(layer(x, training=False)))
    cell = layer.cell
    mask = np.asarray(cell.get_dropout_mask(ops.ones((3, features))))
    np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.6], rtol=1e-6)
    assert mask.mean() == pytest.approx(1.0, abs=0.05)
    assert cell.get_dropout_mask(ops.ones((3, features))) is cell.get_dropout_mask(ops.ones((3, features)))
    np.testing.assert_allclose(layer(x, training=True), layer(x * mask[:, None]), rtol=1e-4)
    assert np.abs(np.asarray(layer(x, training=True)) - np.asarray(layer(x, training=True))).max() > 1e-4


@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_recurrent_dropout_drops_the_state(make: Any) -> None:
    """With rate 1 and an identity the state is gone; in inference nothing is."""
    layer = make(4, recurrent_dropout=1.0, return_sequences=True)
    x = draw(2, 3, 3)
    first = np.asarray(layer(x, training=True))
    each = np.concatenate([layer(x[:, t : t + 1], training=True) for t in range(3)], axis=1)
    if make is layers.SimpleRNN:  # the other cells hand the state on beside their gates
        np.testing.assert_allclose(first, each, rtol=1e-5, atol=1e-6)
    assert np.abs(first - np.asarray(layer(x))).max() > 1e-3
    counts = {layers.SimpleRNN: None, layers.GRU: 3, layers.LSTM: 4}
    half = make(50, recurrent_dropout=0.5, dropout=0.5, seed=1).cell
    masks = half.get_recurrent_dropout_mask(ops.ones((40, 50)))
    if counts[make] is None:
        masks = [masks]
    else:
        assert len(masks) == len(half.get_dropout_mask(ops.ones((40, 50)))) == counts[make]
        assert np.abs(np.asarray(masks[0]) - np.asarray(masks[1])).max() == 2
    for mask in masks:
        assert np.asarray(mask).mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("settings", [{"dropout": 0.5}, {"dropout": 0.3, "recurrent_dropout": 0.5}])
@pytest.mark.parametrize("unroll", [False, True])
def test_dropout_repeats_with_a_seed_and_trains(settings: dict[str, Any], unroll: bool) -> None:
    def train() -> list[np.ndarray]:
        keras.utils.set_random_seed(5)
        model = model_of(layers.LSTM(3, **settings, unroll=unroll), 4, 2)
        model.compile("adam", "mse")
        rng = np.random.RandomState(1)
        x, y = rng.randn(8, 4, 2).astype("float32"), rng.randn(8, 3).astype("float32")
        model.fit(x, y, epochs=2, batch_size=4, verbose=0)
        return [weight.numpy() for weight in model.weights]

    for left, right in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_each_cell_of_a_stack_drops_by_itself() -> None:
    cells = [layers.SimpleRNNCell(3, dropout=0.5), layers.GRUCell(2, recurrent_dropout=0.5)]
    layer = layers.RNN(cells, return_sequences=True)
    x = draw(4, 5, 6)
    layer(x, training=True)
    assert [int(cell.seed_generator.state.numpy()[1]) for cell in cells] == [1, 1]
    layer(x)
    assert [int(cell.seed_generator.state.numpy()[1]) for cell in cells] == [1, 1]


# -- sizes, graphs and export ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(4),
        lambda: layers.GRU(4, return_sequences=True, go_backwards=True),
        lambda: layers.SimpleRNN(4, activation="sigmoid", return_sequences=True),
        lambda: layers.LSTM(4, unroll=True),
        lambda: layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)]),
        lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        lambda: layers.TimeDistributed(layers.Dense(2)),
    ],
)
def test_any_number_of_steps_and_samples(make: Callable[[], Any]) -> None:
    layer = make()
    model = model_of(layer, None, 3)
    for batch, steps in ((2, 1), (3, 7), (2, 50)):
        x = draw(batch, steps, 3)
        np.testing.assert_allclose(model.predict(x, verbose=0), layer(x), rtol=1e-4, atol=1e-5)


def operators(model: Any, path: Path) -> list[str]:
    import onnx

    model.export(path, format="onnx", verbose=False)
    found: list[str] = []

    def collect(graph: Any) -> None:
        for node in graph.node:
            found.append(node.op_type)
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    collect(attribute.g)

    collect(onnx.load(path).graph)
    return found


def run_file(path: Path, x: np.ndarray) -> list[np.ndarray]:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(None, {session.get_inputs()[0].name: x}))


@pytest.mark.usefixtures("passes_on")
@pytest.mark.parametrize(
    ("make", "op", "count"),
    [
        (lambda: layers.LSTM(4), "LSTM", 1),
        (lambda: layers.GRU(4, return_sequences=True), "GRU", 1),
        (lambda: layers.SimpleRNN(4, activation="relu"), "RNN", 1),
        (lambda: layers.Bidirectional(layers.LSTM(4, return_sequences=True)), "LSTM", 1),
        (lambda: layers.LSTM(4, use_cudnn=False), "LSTM", 0),
        (lambda: layers.GRU(4, reset_after=False), "GRU", 0),
    ],
)
def test_export_writes_one_node(make: Callable[[], Any], op: str, count: int, tmp_path: Path) -> None:
    model = model_of(make(), None, 3)
    found = operators(model, tmp_path / "model.onnx")
    assert found.count(op) == count
    assert ("Scan" in found or "Loop" in found) == (count == 0)
    for steps in (1, 6):
        x = draw(2, steps, 3)
        (y,) = run_file(tmp_path / "model.onnx", x)
        np.testing.assert_allclose(y, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.GRU, layers.LSTM])
@pytest.mark.parametrize("masked", [False, True])
def test_one_node_and_the_loop_agree_in_training(make: Any, masked: bool) -> None:
    """The composite's gradient rule against differentiation through the loop over the cell."""
    x, y = draw(3, 5, 2), draw(3, 4)
    start = None
    results = []
    for settings in ({}, {"cell": True}, {"unroll": True}):
        inputs, mask = keras.Input((5, 2)), keras.Input((5,), dtype="bool")
        layer = make(4, unroll=settings.get("unroll", False))
        if "cell" in settings:
            layer._at_once = lambda *args: None
        model = keras.Model([inputs, mask], layer(inputs, mask=mask) if masked else layer(inputs))
        start = start or model.get_weights()
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(1.0), "mse")
        holes = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], bool)
        model.train_on_batch([x, holes], y)
        results.append(model.get_weights())
    for other in results[1:]:
        for left, right in zip(results[0], other, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


def test_sizes_that_are_not_known_stay_so() -> None:
    x = keras.Input((None, 3))
    assert layers.LSTM(4, return_sequences=True)(x).shape == (None, None, 4)
    assert layers.LSTM(4, unroll=True)(x).shape == (None, 4)
    layer = layers.Bidirectional(layers.GRU(2, return_state=True, return_sequences=True))
    assert layer.compute_output_shape((2, 5, 3)) == ((2, 5, 4), (2, 2), (2, 2))
    images = keras.Input((None, None, None, 3))
    layer = layers.ConvLSTM2D(2, 3, strides=2, padding="same", return_sequences=True)
    model = keras.Model(images, layer(images))
    assert model.output_shape == (None, None, None, None, 2)
    for shape in ((2, 3, 5, 6, 3), (1, 1, 7, 4, 3)):
        x = draw(*shape)
        np.testing.assert_allclose(model.predict(x, verbose=0), layer(x), rtol=1e-4, atol=1e-5)


def test_a_convolutional_layer_keeps_its_states_where_masked() -> None:
    x, mask = draw(2, 4, 5, 2), np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    layer = layers.ConvLSTM1D(3, 2, padding="same")
    masked, short, whole = layer(x, mask=mask), layer(x[:, :2]), layer(x)
    np.testing.assert_allclose(np.asarray(masked)[0], np.asarray(short)[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.asarray(masked)[1], np.asarray(whole)[1], rtol=1e-5, atol=1e-6)


def test_mixed_precision_computes_in_half_and_keeps_whole_weights() -> None:
    x = draw(2, 4, 3)
    for make in (layers.SimpleRNN, layers.GRU, layers.LSTM):
        for settings in ({}, {"activation": "sigmoid"}):
            layer = make(4, dtype="mixed_float16", stateful=True, **settings)
            assert layer(x).dtype == "float16"
            assert {weight.dtype for weight in layer.weights} == {"float32"}
            assert layer.states[0].dtype == "float32"
            whole = make(4, **settings)
            whole.build(x.shape)
            whole.set_weights(layer.get_weights())
            layer.reset_state()
            np.testing.assert_allclose(np.asarray(layer(x), np.float32), whole(x), atol=5e-3)


# -- one layer for every step ----------------------------------------------------------------------------------------


def test_every_step_is_normalized_on_its_own() -> None:
    x = draw(4, 3, 2)
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5, epsilon=0.0))
    y = np.asarray(layer(x, training=True))
    np.testing.assert_allclose(y, (x - x.mean(0)) / x.std(0), rtol=1e-3, atol=1e-4)
    mean = np.zeros(2)
    for step in range(3):
        mean = (mean + x[:, step].mean(0)) / 2
    np.testing.assert_allclose(layer.layer.moving_mean.numpy(), mean, rtol=1e-4, atol=1e-5)


def test_every_step_has_its_own_dropout_losses_and_mask() -> None:
    layer = layers.TimeDistributed(layers.Dropout(0.5, seed=1))
    y = np.asarray(layer(np.ones((1, 6, 40), np.float32), training=True))[0]
    assert len({tuple(row) for row in y}) == 6
    layer = layers.TimeDistributed(layers.Dense(1, kernel_initializer="ones", activity_regularizer="l2"))
    layer(np.array([[[1.0], [2.0]], [[3.0], [0.0]]], np.float32))
    assert sum(map(float, layer.losses)) == pytest.approx(0.01 * (1 + 4 + 9) / 2)

    class Masked(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, inputs: Any, mask: Any = None) -> Any:
            return inputs * ops.cast(mask, inputs.dtype)[:, None]

    mask = np.array([[1, 0, 1]], bool)
    y = layers.TimeDistributed(Masked())(np.ones((1, 3, 2), np.float32), mask=mask)
    np.testing.assert_array_equal(np.asarray(y)[0], [[1, 1], [0, 0], [1, 1]])
    with pytest.raises(ValueError, match=r"must begin with the axes \[batch, time\].*\(1, 2\)"):
        layers.TimeDistributed(Masked())(np.ones((1, 3, 2), np.float32), mask=mask[:, :2])


# -- errors ----------------------------------------------------------------------------------------------------------

X = np.ones((2, 4, 3), np.float32)
H = np.ones((2, 4), np.float32)
ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "units": (lambda: layers.LSTM(0), "`units` must be a positive integer, got 0"),
    "half a unit": (lambda: layers.GRUCell(1.5), "`units` must be a positive integer, got 1.5"),
    "rate": (lambda: layers.GRU(2, dropout=1.5), "dropout=1.5"),
    "recurrent rate": (lambda: layers.SimpleRNN(2, recurrent_dropout=-0.1), "recurrent_dropout=-0.1"),
    "cudnn": (lambda: layers.LSTM(2, use_cudnn="yes"), "`use_cudnn` must be"),
    "unknown": (lambda: layers.LSTM(2, depth=3), "depth"),
    "no cell": (lambda: layers.RNN(3), "RNN 'rnn.*a method `call`, got 3"),
    "no state size": (lambda: layers.RNN(layers.Dense(3)), "`state_size`"),
    "state size": (
        lambda: layers.RNN(type("C", (layers.Layer,), {"state_size": "a"})()),
        "must be an integer or a list",
    ),
    "no cells": (lambda: layers.StackedRNNCells([]), "at least one cell"),
    "not a cell": (lambda: layers.StackedRNNCells([layers.GRUCell(2), 3]), "StackedRNNCells.*got 3"),
    "axes": (lambda: layers.LSTM(2)(X[0]), "ndim=3"),
    "features": (lambda: layers.LSTM(2)(keras.Input((4, None))), "must have a fixed size"),
    "states": (lambda: layers.LSTM(4)(X, initial_state=[H]), r"\[\(2, 4\), \(2, 4\)\], got \[\(2, 4\)\]"),
    "size of states": (lambda: layers.GRU(3)(X, initial_state=H), r"\[\(2, 3\)\], got \[\(2, 4\)\]"),
    "batch": (lambda: layers.GRU(2, stateful=True)(keras.Input((4, 3))), "stateful and needs a fixed batch size"),
    "direction": (lambda: layers.Bidirectional(layers.Dense(2)), "has no go_backwards"),
    "both forward": (
        lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)),
        "one layer must have `go_backwards`",
    ),
    "differ": (
        lambda: layers.Bidirectional(
            layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True)
        ),
        "the same `return_sequences`, got False",
    ),
    "merge": (lambda: layers.Bidirectional(layers.GRU(2), merge_mode="max"), "`merge_mode` must be one of"),
    "odd states": (lambda: layers.Bidirectional(layers.GRU(4))(X, initial_state=[H]), "got 1 of them"),
    "no layer": (lambda: layers.TimeDistributed(3), "TimeDistributed"),
    "two axes": (lambda: layers.TimeDistributed(layers.Dense(2))(X[0]), "at least three"),
    "window": (lambda: layers.ConvLSTM2D(2, (1, 2, 3)), "kernel_size"),
    "padding": (lambda: layers.ConvLSTM1D(2, 3, padding="causal"), "padding"),
    "strides": (lambda: layers.ConvLSTM1D(2, 3, strides=2, dilation_rate=2), "cannot be combined"),
    "window too large": (lambda: layers.ConvLSTM1D(2, 5)(np.ones((1, 2, 3, 1), np.float32)), "larger than the input"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_name_what_is_wrong(name: str) -> None:
    fails, message = ERRORS[name]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        fails()


def test_a_stateful_layer_refuses_another_batch_size() -> None:
    layer = layers.GRU(2, stateful=True)
    layer(X)
    with pytest.raises(ValueError, match="built for batches of 2"):
        layer(X[:1])
