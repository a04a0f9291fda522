"""The training step as a file: it trains outside of Cornu, with onnxruntime and numpy alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import onnx
import onnxruntime
import pytest
from cornu.cli.digits_job import build_model
from cornu.datasets import digits
from cornu.layers import InputSpec

layers = keras.layers
PAGE = Path(__file__).parents[2] / "spec" / "onnx.md"


class Runner:
    """Trains with the file."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [value.name for value in self.session.get_outputs()]
        self.state: dict[str, np.ndarray] = {}

    def step(self, **batch: np.ndarray) -> dict[str, np.ndarray]:
        outputs = dict(zip(self.names, self.session.run(None, {**batch, **self.state}), strict=True))
        self.state = {name[5:]: array for name, array in outputs.items() if name.startswith("next/")}
        return {name: array for name, array in outputs.items() if not name.startswith("next/")}


def batches(*arrays: np.ndarray, size: int = 32, count: int = 6) -> list[Sequence[np.ndarray]]:
    return [[array[i * size : (i + 1) * size] for array in arrays] for i in range(count)]


def test_the_quickstart_model_trains_to_the_same_losses(tmp_path: Path) -> None:
    (x, y), _ = digits.load_data()
    x, y = x[..., None].astype("float32"), y.astype("int32")
    model = build_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.export(tmp_path / "step.onnx", kind="train_step", verbose=False)
    runner = Runner(tmp_path / "step.onnx")
    feed = runner.session.get_inputs()[0].name
    for _epoch in range(2):
        found = []
        for images, labels in batches(x, y, count=20):
            found.append(runner.step(**{feed: images, "target": labels}))
        history = model.fit(x[: 20 * 32], y[: 20 * 32], batch_size=32, epochs=1, shuffle=False, verbose=0).history
        np.testing.assert_allclose(np.mean([logs["loss"] for logs in found]), history["loss"][0], rtol=1e-4)
        np.testing.assert_allclose(np.mean([logs["accuracy"] for logs in found]), history["accuracy"][0], rtol=1e-4)
    for variable in model.trainable_variables:
        np.testing.assert_allclose(runner.state[variable.path], variable.numpy(), rtol=1e-3, atol=1e-4)


def several() -> Any:
    left, right = keras.Input((4,), name="left"), keras.Input((5, 3), name="right")
    x = layers.Concatenate()([layers.BatchNormalization()(left), layers.GRU(4)(right)])
    x = layers.Dropout(0.4, seed=1)(x)
    return keras.Model([left, right], {"a": layers.Dense(1, name="one")(x), "b": layers.Dense(3, name="two")(x)})


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9),
    "adamw": lambda: keras.optimizers.AdamW(clipnorm=0.5, use_ema=True, ema_momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(gradient_accumulation_steps=2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_inputs_losses_and_random_layers(name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    left, right = (random.standard_normal((96, *shape)).astype("float32") for shape in ((4,), (5, 3)))
    one, two = random.standard_normal((96, 1)).astype("float32"), random.integers(0, 3, 96).astype("int32")
    keras.utils.set_random_seed(0)
    model = several()
    losses = {"a": "mse", "b": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    model.compile(OPTIMIZERS[name](), losses, loss_weights={"a": 0.5, "b": 2.0}, metrics={"a": ["mae"]})
    signature = (
        [InputSpec(shape=(None, 4), name="left"), InputSpec(shape=(None, 5, 3), name="right")],
        {"a": InputSpec(shape=(None, 1), name="one"), "b": InputSpec(shape=(None,), dtype="int32", name="two")},
    )
    model.export(tmp_path / "step.onnx", kind="train_step", input_signature=signature, verbose=False)
    runner = Runner(tmp_path / "step.onnx")
    for parts in batches(left, right, one, two, size=24, count=4):
        found = runner.step(**dict(zip(("left", "right", "one", "two"), parts, strict=True)))
        wanted = model.train_on_batch(parts[:2], {"a": parts[2], "b": parts[3]}, return_dict=True)
        assert set(found) == set(wanted)
        for key, number in wanted.items():
            np.testing.assert_allclose(found[key], number, rtol=1e-4, err_msg=key)


def test_sample_weights_and_unequal_batches(tmp_path: Path) -> None:
    x, y = np.ones((8, 2), "float32"), np.arange(8, dtype="float32")[:, None]
    weights = np.linspace(0, 1, 8, dtype="float32")
    model = keras.Sequential([keras.Input((2,), name="x"), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    signature = tuple(InputSpec(shape=shape, name=name) for shape, name in (((None, 2), "x"), ((None, 1), "y")))
    signature = (*signature, InputSpec(shape=(None,), name="weight"))
    model.export(tmp_path / "step.onnx", kind="train_step", input_signature=signature, verbose=False)
    runner = Runner(tmp_path / "step.onnx")
    for part in (slice(0, 5), slice(5, 8)):
        found = runner.step(x=x[part], y=y[part], weight=weights[part])
        wanted = model.train_on_batch(x[part], y[part], sample_weight=weights[part], return_dict=True)
        np.testing.assert_allclose(found["loss"], wanted["loss"], rtol=1e-5)


def test_the_file_holds_the_state_and_standard_operators_only(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,), name="x"), layers.Dense(1, name="y")], name="m")
    model.compile("adam", "mse")
    report = model.export(tmp_path / "step.onnx", kind="train_step", verbose=False)
    proto = onnx.load(str(tmp_path / "step.onnx"))
    assert {entry.domain for entry in proto.opset_import} == {""}
    assert {"m/y/kernel", "m/y/bias", model.optimizer.iterations.path} <= set(report.state_names)
    assert set(report.output_names) == {"loss", *(f"next/{name}" for name in report.state_names)}
    assert report.input_names == ("x", "target", *report.state_names)
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    np.testing.assert_array_equal(values["m/y/kernel"], model.layers[0].kernel.numpy())
    before = [np.array(array) for array in model.get_weights()]
    Runner(tmp_path / "step.onnx").step(x=np.ones((3, 2), "float32"), target=np.ones((3, 1), "float32"))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_the_runner_of_the_page_trains_without_cornu(tmp_path: Path) -> None:
    blocks = [block.partition("```")[0].strip() for block in PAGE.read_text(encoding="utf-8").split("```python\n")]
    (code,) = [block for block in blocks if 'removeprefix("next/")' in block]
    assert len(code.splitlines()) <= 20
    assert "cornu" not in code
    (x, y), _ = digits.load_data()
    model = build_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.export(tmp_path / "train_step.onnx", kind="train_step", verbose=False)
    np.savez(tmp_path / "digits.npz", x=x[..., None].astype("float32"), y=y.astype("int32"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    losses = [float(line.split()[-1]) for line in done.stdout.splitlines()]
    assert len(losses) == 3
    assert losses[2] < 0.5 * losses[0]
