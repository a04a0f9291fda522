"""Copies, parts and descriptions of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers
from cornu.models import clone_model

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def network() -> tuple[keras.Model, Any]:
    inputs = keras.Input((4,), name="x")
    hidden = layers.Dense(3, name="hidden")(inputs) * 2.0
    return keras.Model(inputs, layers.Dense(2, name="last")(hidden), name="network"), hidden


# -- copies --------------------------------------------------------------------------------------------------------


def test_a_clone_has_new_weights_and_the_same_form() -> None:
    model, _ = network()
    model.compile("adam", "mse", metrics=["mae"])
    clone = clone_model(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not {id(weight) for weight in clone.weights} & {id(weight) for weight in model.weights}
    assert clone.name == "network"
    assert clone.compiled
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_shared_layer_is_shared_in_the_clone() -> None:
    shared = layers.Dense(4, name="shared")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    clone = clone_model(keras.Model({"a": a, "b": b}, shared(a) - shared(b)))
    assert len(clone.weights) == 2
    np.testing.assert_array_equal(clone.predict({"a": X, "b": X}, verbose=0), 0 * X)


def test_clone_function_and_call_function() -> None:
    def clone(layer: Any) -> Any:
        return layers.Dense(5, name="hidden") if layer.name == "hidden" else type(layer).from_config(layer.get_config())

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        return layers.ReLU(name="after")(outputs) if layer.name == "last" else outputs

    copy = clone_model(network()[0], clone_function=clone, call_function=call)
    assert copy.get_layer("hidden").units == 5
    assert copy.predict(X, verbose=0).min() == 0
    names = [operation.name for operation in copy.operations]
    assert [names[1], *names[3:]] == ["hidden", "last", "after"]


def test_a_sequential_clone() -> None:
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3), layers.Dropout(0.5)], name="stack")
    copy = clone_model(model, clone_function=lambda layer: layers.Dense(7) if "dense" in layer.name else layer)
    assert copy.name == "stack"
    assert copy.input_names == ["x"]
    assert copy.output_shape == (None, 7)
    assert copy.layers[1] is model.layers[1]
    other = keras.Input((9,))
    assert clone_model(model, input_tensors=[other]).layers[0].kernel.shape == (9, 3)


def test_inner_models_are_cloned_whole_or_layer_by_layer() -> None:
    inner = network()[0]
    model = keras.Sequential([keras.Input((4,)), inner, keras.Sequential([layers.Dense(2, name="deep")])])
    seen: list[str] = []

    def note(layer: Any) -> Any:
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    clone_model(model, clone_function=note)
    assert seen[0] == "network"
    assert "hidden" not in seen
    seen.clear()
    clone_model(model, clone_function=note, recursive=True)
    assert {"hidden", "last", "deep"} <= set(seen)
    assert "network" not in seen


def test_a_clone_on_given_tensors() -> None:
    tensor = keras.Input((4,), batch_size=2)
    clone = clone_model(network()[0], input_tensors=tensor)
    assert clone.inputs == [tensor]
    assert clone.output_shape == (2, 2)


class Own(keras.Model):
    def __init__(self, units: int, rate: float = 0.5) -> None:
        super().__init__()
        self.dense = layers.Dense(units)
        self.rate = rate

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


def test_masks_are_made_again() -> None:
    inputs = keras.Input((3,), dtype="int32")
    embedded = layers.Embedding(4, 2, mask_zero=True, name="embedding")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(embedded))
    tokens = np.array([[1, 2, 0]])
    assert np.asarray(model(tokens)._keras_mask).tolist() == [[True, True, False]]
    assert np.asarray(clone_model(model)(tokens)._keras_mask).tolist() == [[True, True, False]]
    tail = keras.Model(embedded, model.output)
    assert getattr(tail(np.zeros((1, 3, 2), "float32")), "_keras_mask", None) is None


# -- parts ---------------------------------------------------------------------------------------------------------


def test_a_model_may_start_at_a_hidden_tensor(tmp_path: Path) -> None:
    model, hidden = network()
    head, tail = keras.Model(model.input, hidden), keras.Model(hidden, model.output)
    middle = head.predict(X, verbose=0)
    np.testing.assert_allclose(tail.predict(middle, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    assert [layer.name for layer in tail.layers[1:]] == ["last"]
    assert tail.get_layer("last") is model.get_layer("last")
    tail.save(tmp_path / "tail.keras")
    loaded = keras.models.load_model(tmp_path / "tail.keras")
    np.testing.assert_allclose(loaded.predict(middle, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    tail.compile("sgd", "mse")
    before = model.get_weights()
    tail.fit(middle, np.zeros((5, 2)), verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True]


def test_outputs_that_need_more_than_the_inputs_are_refused() -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    hidden = layers.Dense(2)(a)
    with pytest.raises(ValueError, match=r"depend on .*b"):
        keras.Model(hidden, hidden + b)


def test_function_is_a_graph_without_weights() -> None:
    model, hidden = network()
    function = keras.Function(hidden, model.output)
    given = np.ones((1, 3), "float32")
    kernel, bias = model.get_layer("last").get_weights()
    np.testing.assert_allclose(function(given), given @ kernel + bias, rtol=1e-6)
    assert function.compute_output_shape((None, 3)) == (None, 2)
    assert function(keras.KerasTensor((None, 3))).shape == (None, 2)


# -- configs -------------------------------------------------------------------------------------------------------


def test_a_class_without_get_config_is_described_by_its_arguments(tmp_path: Path) -> None:
    model = Own(3, rate=0.25)
    assert model.get_config() == {"units": 3, "rate": 0.25}
    model(X)
    model.save(tmp_path / "own.keras")
    loaded = keras.models.load_model(tmp_path / "own.keras", custom_objects={"Own": Own})
    assert (type(loaded), loaded.rate) == (Own, 0.25)
    np.testing.assert_array_equal(loaded(X), model(X))
    clone = clone_model(model)
    assert (clone.dense.units, clone.built) == (3, True)


def test_a_functional_subclass_is_described_by_its_arguments() -> None:
    class Made(keras.Model):
        def __init__(self, units: int, **kwargs: Any) -> None:
            inputs = keras.Input((4,))
            super().__init__(inputs, layers.Dense(units)(inputs), **kwargs)

    config = Made(6, name="made").get_config()
    assert (config["units"], config["name"]) == (6, "made")
    assert Made.from_config(config).output_shape == (None, 6)


def test_arguments_that_no_config_can_hold_are_named() -> None:
    class Holder(layers.Layer):
        def __init__(self, inner: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner = inner

    holder = Holder(layers.Dense(2))
    assert len(holder._layers) == 1
    with pytest.raises(TypeError, match=r"Holder .*`inner`.*get_config"):
        holder.get_config()


# -- state ---------------------------------------------------------------------------------------------------------


def test_stateless_call_leaves_the_layer_alone() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(momentum=0.5), layers.Dropout(0.5)])
    before = [variable.numpy() for variable in model.variables]
    values = [np.full(v.shape, 2.0, "float32") for v in model.trainable_variables]
    outputs, after = model.stateless_call(values, [v.value for v in model.non_trainable_variables], X, training=True)
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    mean = after[[v.path.endswith("moving_mean") for v in model.non_trainable_variables].index(True)]
    np.testing.assert_allclose(mean, 0.5 * X.mean(0), rtol=1e-5)
    assert np.abs(np.asarray(outputs)).max() > 2


def test_stateless_call_returns_losses_of_the_given_values() -> None:
    layer = layers.Dense(1, use_bias=False, kernel_regularizer="l2")
    layer.build((None, 2))
    _, _, losses = layer.stateless_call([np.ones((2, 1), "float32")], [], np.ones((1, 2)), return_losses=True)
    assert float(losses[0]) == pytest.approx(0.02)


def test_stateless_call_is_differentiable() -> None:
    layer = layers.Dense(1, use_bias=False)
    layer.build((None, 2))

    def loss(kernel: Any) -> Any:
        outputs, _ = layer.stateless_call([kernel], [], np.array([[3.0, 4.0]], "float32"))
        return keras.ops.sum(outputs)

    gradient = keras.grad(loss)(keras.ops.zeros((2, 1)))
    np.testing.assert_array_equal(gradient, [[3.0], [4.0]])


def test_state_trees() -> None:
    model, _ = network()
    model.compile("adam", "mse")
    model.fit(X, np.zeros((5, 2)), verbose=0)
    tree = model.get_state_tree("numpy_array")
    assert set(tree["trainable_variables"]) == {"hidden", "last"}
    assert tree["trainable_variables"]["last"]["bias"].shape == (2,)
    before = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    model.fit(X, np.zeros((5, 2)), verbose=0)
    model.set_state_tree(tree)
    for variable, old in zip((*model.variables, *model.optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    with pytest.raises(ValueError, match="trainable_variables has no value for hidden/kernel"):
        model.set_state_tree({"trainable_variables": {}})


# -- tables --------------------------------------------------------------------------------------------------------


def test_summary_of_nested_models() -> None:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="deepest")], name="middle")
    model = keras.Sequential(
        [keras.Input((4,)), keras.Sequential([keras.Input((4,)), inner], name="outer")], name="all"
    )
    lines: list[str] = []
    model.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
    (text,) = lines
    rows = [line for line in text.splitlines() if line.startswith("│")]
    assert [row.split("(")[0].rstrip() for row in rows] == ["│ outer", "│    └ middle", "│       └ deepest"]
    assert all(row.rstrip("│ ").endswith("Y") for row in rows)
    assert " Total params: 15 (60.00 B)" in text
    lines.clear()
    model.summary(print_fn=lines.append)
    assert "middle" not in lines[0]


def test_summary_shows_operations() -> None:
    lines: list[str] = []
    network()[0].summary(print_fn=lines.append)
    assert "(Multiply)" in lines[0]
