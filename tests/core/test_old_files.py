"""Whole-model `.h5` files in the forms of Keras 2, built by hand, and what they compute by formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cornu
import h5py
import numpy as np
import pytest
from cornu.saving.legacy_calls import upgrade_calls
from cornu.saving.legacy_config import downgrade_model, upgrade_model
from cornu.saving.legacy_training import downgrade_training, upgrade_training

KERNEL = np.array([[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]], "float32")
BIAS = np.array([0.25, -1.0], "float32")
X = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]], "float32")


def initializer(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": name, "config": {**config, "dtype": "float32"}}


def dense(name: str, units: int = 2, activation: str = "linear", **extra: Any) -> dict[str, Any]:
    """A Dense layer as TensorFlow 2.3 wrote it."""
    config = {
        "name": name,
        "trainable": True,
        **extra,
        "dtype": "float32",
        "units": units,
        "activation": activation,
        "use_bias": True,
        "kernel_initializer": initializer("GlorotUniform", seed=None),
        "bias_initializer": initializer("Zeros"),
        "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }
    return {"class_name": "Dense", "config": config}


def old_input(name: str, width: int = 3) -> dict[str, Any]:
    config = {"batch_input_shape": [None, width], "dtype": "float32", "sparse": False, "ragged": False, "name": name}
    return {"class_name": "InputLayer", "config": config}


def write_file(
    path: Path, model: Any, weights: dict[str, dict[str, np.ndarray]], training: Any = None, optimizer: Any = None
) -> Path:
    """A file as Keras 2 laid it out; names are bytes, as they were."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.4.0"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(model).encode()
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([name.encode() for name in weights])
        for layer, arrays in weights.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = np.array([name.encode() for name in arrays], dtype="S40")
            for name, array in arrays.items():
                inner[name] = array
        if optimizer is not None:
            inner = file.create_group("optimizer_weights")
            inner.attrs["weight_names"] = np.array([name.encode() for name in optimizer])
            for name, array in optimizer.items():
                inner[name] = array
    return path


def of_dense(
    name: str, prefix: str = "", kernel: np.ndarray = KERNEL, bias: np.ndarray = BIAS
) -> dict[str, np.ndarray]:
    return {f"{prefix}{name}/kernel:0": kernel, f"{prefix}{name}/bias:0": bias}


TRAINING = {
    "loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "mean_squared_error"}},
    "metrics": [
        [{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "fn": "mean_absolute_error"}}]
    ],
    "weighted_metrics": None,
    "loss_weights": None,
    "optimizer_config": {
        "class_name": "SGD",
        "config": {"name": "SGD", "lr": 0.25, "decay": 0.0, "momentum": 0.0, "nesterov": False},
    },
}  # fmt: skip


def test_a_sequential_model_with_batch_input_shape(tmp_path: Path) -> None:
    first = dense("d", activation="relu", batch_input_shape=[None, 3])
    model = {"class_name": "Sequential", "config": {"name": "old", "layers": [first]}}
    path = write_file(tmp_path / "old.h5", model, {"d": of_dense("d")}, TRAINING)
    found = cornu.saving.load_model(path)
    assert found.name == "old"
    np.testing.assert_allclose(found.predict(X, verbose=0), np.maximum(X @ KERNEL + BIAS, 0), rtol=1e-6)
    assert float(found.optimizer.learning_rate) == 0.25
    assert found.layers[0].kernel_regularizer.l2 == pytest.approx(0.01)


def test_a_sequential_config_that_is_a_list(tmp_path: Path) -> None:
    model = {"class_name": "Sequential", "config": [dense("d", batch_input_shape=[None, 3])]}
    path = write_file(tmp_path / "old.h5", model, {"d": of_dense("d")})
    np.testing.assert_allclose(cornu.saving.load_model(path).predict(X, verbose=0), X @ KERNEL + BIAS, rtol=1e-6)


def graph(*layers: dict[str, Any], **ends: Any) -> dict[str, Any]:
    """A functional model; each layer is a config with its inbound nodes."""
    return {"class_name": "Functional", "config": {"name": "graph", "layers": list(layers), **ends}}


def called(layer: dict[str, Any], *calls: Any) -> dict[str, Any]:
    return {**layer, "name": layer["config"]["name"], "inbound_nodes": list(calls)}


def test_a_functional_model_with_old_calls(tmp_path: Path) -> None:
    add = {"class_name": "Add", "config": {"name": "add", "trainable": True, "dtype": "float32"}}
    model = graph(
        called(old_input("x")),
        called(dense("a"), [["x", 0, 0, {}]]),
        called(dense("b"), [["x", 0, 0, {}]]),
        called(add, [["a", 0, 0, {}], ["b", 0, 0, {}]]),
        input_layers=[["x", 0, 0]],
        output_layers=[["add", 0, 0]],
    )
    weights = {"x": {}, "a": of_dense("a"), "b": of_dense("b", kernel=-2 * KERNEL), "add": {}}
    path = write_file(tmp_path / "old.h5", model, weights)
    found = cornu.saving.load_model(path).predict(X, verbose=0)
    np.testing.assert_allclose(found, X @ (KERNEL - 2 * KERNEL) + 2 * BIAS, rtol=1e-6)


@pytest.mark.parametrize("kind", ["Sequential", "Functional"])
def test_inner_models_whose_calls_count_from_one(tmp_path: Path, kind: str) -> None:
    square = np.eye(3, dtype="float32") * 2
    shift = np.ones(3, "float32")
    if kind == "Sequential":
        inner = {"class_name": kind, "config": {"name": "inner", "layers": [old_input("y"), dense("d", 3)]}}
    else:
        inner = graph(
            called(old_input("y")),
            called(dense("d", 3), [["y", 0, 0, {}]]),
            input_layers=[["y", 0, 0]],
            output_layers=[["d", 0, 0]],
        )
        inner["config"]["name"] = "inner"
    model = graph(
        called(old_input("x")),
        called(inner, [["x", 0, 0, {}]], [["inner", 1, 0, {}]]),
        input_layers=[["x", 0, 0]],
        output_layers=[["inner", 2, 0]],
    )
    weights = {"x": {}, "inner": of_dense("d", "inner/", square, shift)}
    path = write_file(tmp_path / "old.h5", model, weights)
    found = cornu.saving.load_model(path).predict(X, verbose=0)
    np.testing.assert_allclose(found, (X @ square + shift) @ square + shift, rtol=1e-6)


def test_an_axis_in_a_list_and_a_policy(tmp_path: Path) -> None:
    norm = {
        "class_name": "BatchNormalization",
        "config": {
            "name": "bn",
            "trainable": True,
            "dtype": {"class_name": "Policy", "config": {"name": "float32"}},
            "axis": [1],
            "momentum": 0.9,
            "epsilon": 0.0,
            "center": True,
            "scale": True,
            "beta_initializer": initializer("Zeros"),
            "gamma_initializer": initializer("Ones"),
            "moving_mean_initializer": initializer("Zeros"),
            "moving_variance_initializer": initializer("Ones"),
        },
    }
    model = {"class_name": "Sequential", "config": {"name": "old", "layers": [old_input("x"), norm]}}
    gamma, beta = np.array([1.0, 2.0, 3.0], "float32"), np.array([0.5, 0.0, -1.0], "float32")
    mean, variance = np.array([0.0, 1.0, 2.0], "float32"), np.array([1.0, 4.0, 0.25], "float32")
    arrays = {"bn/gamma:0": gamma, "bn/beta:0": beta, "bn/moving_mean:0": mean, "bn/moving_variance:0": variance}
    path = write_file(tmp_path / "old.h5", model, {"bn": arrays})
    found = cornu.saving.load_model(path)
    np.testing.assert_allclose(
        found.predict(X, verbose=0), (X - mean) / np.sqrt(variance) * gamma + beta, rtol=1e-5, atol=1e-6
    )
    assert found.layers[0].axis == 1


def test_an_optimizer_of_keras_2_starts_afresh_with_a_warning(tmp_path: Path) -> None:
    model = {"class_name": "Sequential", "config": {"name": "old", "layers": [old_input("x"), dense("d")]}}
    path = write_file(
        tmp_path / "old.h5", model, {"d": of_dense("d")}, TRAINING, {"SGD/iter:0": np.int64(5), "SGD/m:0": KERNEL}
    )
    with pytest.warns(UserWarning, match=r"optimizer.*afresh"):
        found = cornu.saving.load_model(path)
    assert int(found.optimizer.iterations) == 0


def test_weights_only_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = np.array([b"other"])
        inner = file.create_group("other")
        inner.attrs["weight_names"] = np.array([b"other/kernel:0", b"other/bias:0"])
        inner["other/kernel:0"], inner["other/bias:0"] = KERNEL, BIAS
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="d")])
    with pytest.raises(ValueError, match="holds weights only"):
        cornu.saving.load_model(tmp_path / "w.h5")
    model.load_weights(tmp_path / "w.h5")
    assert np.array_equal(model.layers[0].get_weights()[0], KERNEL)


# -- the translations alone --------------------------------------------------------------------------------------


def test_decay_becomes_the_schedule_that_it_was() -> None:
    old = {"optimizer_config": {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.1, "momentum": 0.9}}}
    found = upgrade_training(old)["optimizer"]["config"]
    schedule = cornu.saving.deserialize_keras_object(found["learning_rate"])
    assert [float(schedule(step)) for step in (0, 10)] == pytest.approx([0.5, 0.5 / (1 + 0.1 * 10)])
    assert found["momentum"] == 0.9
    assert not {"lr", "decay"} & set(found)


def test_wrapped_functions_become_their_names() -> None:
    found = upgrade_training(TRAINING)
    assert found["metrics"] == [["mean_absolute_error"]]
    assert found["loss"]["config"]["reduction"] == "sum_over_batch_size"


def test_arguments_that_changed_nothing_are_dropped_and_others_kept() -> None:
    def arguments(name: str, **config: Any) -> dict[str, Any]:
        layer = {"class_name": name, "config": {"name": "l", "trainable": True, **config}}
        upgraded: dict[str, Any] = upgrade_model(
            {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
        )
        return upgraded["config"]["layers"][0]["config"]

    assert "input_length" not in arguments("Embedding", input_dim=3, output_dim=2, input_length=7)
    assert "batch_shape" in arguments("InputLayer", batch_input_shape=[None, 2])


def test_an_unknown_layer_is_named() -> None:
    config = {
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [{"class_name": "TFOpLambda", "config": {}}]},
    }
    with pytest.raises(ValueError, match="'TFOpLambda'"):
        upgrade_model(config)


def test_todays_calls_stay_as_they_are() -> None:
    today = {
        "layers": [{"class_name": "Dense", "config": {}, "name": "d", "inbound_nodes": [{"args": [], "kwargs": {}}]}]
    }
    assert upgrade_calls(today) is today


def test_keyword_tensors_of_old_calls() -> None:
    layers = [
        {
            "class_name": "Attention",
            "config": {},
            "name": "a",
            "inbound_nodes": [[["q", 0, 0, {"value": ["v", 0, 1], "training": None}]]],
        }
    ]
    found = upgrade_calls({"layers": layers})["layers"][0]["inbound_nodes"][0]["kwargs"]
    assert found["value"]["config"]["keras_history"] == ["v", 0, 1]
    assert found["training"] is None


def test_writing_names_losses_in_full_and_drops_modules() -> None:
    compiled = {"optimizer": {"module": "keras.optimizers", "class_name": "SGD", "config": {}, "registered_name": None},
                "loss": "mse", "metrics": ["mse"]}  # fmt: skip
    found = downgrade_training(compiled)
    assert found == {
        "loss": "mean_squared_error",
        "metrics": ["mse"],
        "optimizer_config": {"class_name": "SGD", "config": {}},
    }
    layer = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"units": 1},
        "registered_name": None,
        "build_config": {},
    }
    model = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}, "registered_name": None}
    assert downgrade_model(model)["config"]["layers"] == [{"class_name": "Dense", "config": {"units": 1}}]
