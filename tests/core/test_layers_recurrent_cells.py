"""Cells of users under `RNN`: states, masks, losses, weights, files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers, ops, use_backend


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    keras.utils.set_random_seed(0)
    with use_backend(request.param):
        yield


class Count(layers.Layer):
    """Adds the inputs up; outputs the sum plus 100."""

    state_size = 1
    output_size = 1

    def call(self, inputs: Any, states: Any) -> Any:
        total = states[0] + inputs
        return total + 100.0, [total]


# -- users' cells ----------------------------------------------------------------------------------------------------


class Nested(layers.Layer):
    """States in a structure of their own, and no `output_size`."""

    state_size = (2, (2, 3))

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        a, (b, c) = states
        return ops.concatenate([a, c], axis=-1), (a + inputs, (b - inputs, c + (10.0 if training else 1.0)))


class Weighted(layers.Layer):
    """A cell with a weight and first states of its own."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((input_shape[-1], self.units), "ones", name="kernel")

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [ops.ones((batch_size, self.units))]

    def call(self, inputs: Any, states: Any) -> Any:
        output = states[0] * 0.5 + ops.matmul(inputs, self.kernel)
        return output, [output]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def test_a_cell_counts() -> None:
    x = np.array([[[1.0], [2.0], [3.0]]], np.float32)
    y, total = layers.RNN(Count(), return_sequences=True, return_state=True)(x)
    np.testing.assert_array_equal(np.ravel(y), [101, 103, 106])
    np.testing.assert_array_equal(np.ravel(total), [6])
    np.testing.assert_array_equal(layers.RNN(Count(), unroll=True)(x), [[106]])
    backwards = layers.RNN(Count(), return_sequences=True, go_backwards=True)
    np.testing.assert_array_equal(np.ravel(backwards(x)), [103, 105, 106])


def test_states_may_be_nested() -> None:
    x = np.ones((1, 4, 2), np.float32)
    layer = layers.RNN(Nested(), return_state=True)
    y, a, (b, c) = layer(x)
    np.testing.assert_array_equal(y, [[3, 3, 3, 3, 3]])
    np.testing.assert_array_equal(a, [[4, 4]])
    np.testing.assert_array_equal(b, [[-4, -4]])
    np.testing.assert_array_equal(c, [[4, 4, 4]])
    np.testing.assert_array_equal(layer(x, training=True)[2][1], [[40, 40, 40]])
    start = [np.full((1, 2), 5.0, np.float32), [np.zeros((1, 2), np.float32), np.ones((1, 3), np.float32)]]
    np.testing.assert_array_equal(layer(x, initial_state=start)[1], [[9, 9]])


@pytest.mark.parametrize("unroll", [False, True])
def test_a_cell_with_weights_trains_and_is_saved(unroll: bool, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2, 3)), layers.RNN(Weighted(2, name="mine"), unroll=unroll, name="rnn")])
    assert [weight.path.partition("/")[2] for weight in model.weights] == ["rnn/mine/kernel"]
    x = np.ones((1, 2, 3), np.float32)
    np.testing.assert_allclose(model.predict(x, verbose=0), [[4.75, 4.75]])  # ((1/2 + 3)/2 + 3
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, np.full((1, 2), 3.75, np.float32))
    # The mean of two squares, (4.75 - 3.75)²: its slope is 1 by output and 1.5 by kernel element.
    np.testing.assert_allclose(model.weights[0].numpy(), np.full((3, 2), -0.5), atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects={"Weighted": Weighted})
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_any_object_with_a_call_and_a_state_size_is_a_cell() -> None:
    class Plain:
        state_size = 1

        def call(self, inputs: Any, states: Any) -> Any:
            return inputs, [states[0] + inputs]

    y, total = layers.RNN(Plain(), return_state=True)(np.ones((2, 3, 1), np.float32))
    np.testing.assert_array_equal(y, [[1], [1]])
    np.testing.assert_array_equal(total, [[3], [3]])


def test_what_cells_add_to_the_losses_is_summed_over_the_steps() -> None:
    class Lossy(Count):
        def call(self, inputs: Any, states: Any) -> Any:
            self.add_loss(ops.sum(inputs))
            return super().call(inputs, states)

    x = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    for unroll in (False, True):
        layer = layers.RNN(Lossy(), unroll=unroll)
        for mask in (None, np.ones((2, 3), bool)):
            layer(x, mask=mask)
            assert sum(float(loss) for loss in layer.losses) == 15
    model = keras.Sequential([keras.Input((3, 1)), layers.RNN(Lossy())])
    model.compile("sgd", "mse")
    assert model.evaluate(x, np.array([[103.0], [112.0]]), verbose=0) == pytest.approx(15)


def test_a_cell_must_return_the_states_that_it_got() -> None:
    class Forgetful(Count):
        def call(self, inputs: Any, states: Any) -> Any:
            return inputs, [ops.concatenate([states[0], inputs], -1)]

    with pytest.raises(ValueError, match=r"'forgetful' got states of shapes \[\(1, 1\)\] and returned \[\(1, 2\)\]"):
        layers.RNN(Forgetful(name="forgetful"))(np.ones((1, 3, 1), np.float32))


# -- masks -----------------------------------------------------------------------------------------------------------

HOLES = np.array([[0, 1, 0, 0, 1]], bool)


@pytest.mark.parametrize(
    ("settings", "outputs", "last"),
    [
        ({}, [7, 108, 108, 108, 109], 109),
        ({"zero_output_for_mask": True}, [0, 108, 0, 0, 109], 109),
        ({"go_backwards": True}, [108, 108, 108, 109, 109], 109),
        ({"go_backwards": True, "zero_output_for_mask": True}, [108, 0, 0, 109, 0], 0),
        ({"unroll": True}, [0, 108, 108, 108, 109], 109),
        ({"unroll": True, "zero_output_for_mask": True}, [0, 108, 108, 108, 109], 109),
    ],
)
def test_masked_steps_keep_the_state_and_repeat_the_output(
    settings: dict[str, Any], outputs: list[float], last: float
) -> None:
    x, start = np.ones((1, 5, 1), np.float32), [np.array([[7.0]], np.float32)]
    y, state = layers.RNN(Count(), return_sequences=True, return_state=True, **settings)(x, start, mask=HOLES)
    np.testing.assert_array_equal(np.ravel(y), outputs)
    np.testing.assert_array_equal(state, [[9]])
    np.testing.assert_array_equal(layers.RNN(Count(), **settings)(x, start, mask=HOLES), [[last]])


# -- a built-in cell with another step ---------------------------------------------------------------------------------


class Halved(layers.LSTMCell):  # type: ignore[misc]
    """Its output is half of the state."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        output, states = super().call(inputs, states, training)
        return output / 2, states


def test_a_subclass_of_a_cell_runs_its_own_step() -> None:
    x = np.random.RandomState(0).randn(2, 5, 3).astype("float32")
    plain, halved = layers.RNN(layers.LSTMCell(4)), layers.RNN(Halved(4))
    expected = plain(x)
    halved.build(x.shape)
    halved.set_weights(plain.get_weights())
    np.testing.assert_allclose(halved(x), np.asarray(expected) / 2, rtol=1e-4, atol=1e-6)
