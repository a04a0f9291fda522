"""The setting `passes`: off leaves what is needed to be right, and the numbers stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers
from cornu.backend import config
from cornu.backend.contract import Backend, CompileOptions, Executable
from cornu.backend.manager import BackendManager
from cornu.ir.builder import Builder
from cornu.ir.passes import optimise
from cornu.ir.program import Program
from programs import f32

SetPasses = Callable[[str], None]


def test_only_dead_code_goes(set_passes: SetPasses) -> None:
    b = Builder("test")
    x = b.input(f32(3), "x")
    b.Exp(x)
    program = b.finish([b.Add(b.Neg(b.Neg(x)), b.Mul(2.0, b.constant(3.0, "float32")))])
    set_passes("off")
    assert [node.op for node in optimise(program).nodes if node.op != "Constant"] == ["Neg", "Neg", "Mul", "Add"]
    set_passes("on")
    assert [node.op for node in optimise(program).nodes if node.op != "Constant"] == ["Add"]


def network() -> Any:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D()(layers.Conv2D(16, 3, padding="same", activation="relu")(x))
    x = layers.LayerNormalization()(layers.Reshape((4, 16))(layers.Dropout(0.2)(x)))
    x = layers.LSTM(8)(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    model = keras.Model(inputs, layers.Dense(3)(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def run() -> list[np.ndarray]:
    """Losses, weights, predictions; the second prediction runs with the weights as constants."""
    rng = np.random.default_rng(0)
    x, y = rng.random((12, 8, 8, 3), dtype=np.float32), rng.integers(0, 3, 12)
    model = network()
    losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
    return [np.asarray(losses), *model.get_weights(), *(np.asarray(model.predict(x, verbose=0)) for _ in range(2))]


@pytest.fixture(params=["numpy", "onnxruntime"])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many nodes the programs have that a backend compiles."""
    found: list[int] = []
    with config.use_backend(request.param) as backend:
        original = type(backend).compile

        def note(self: Backend, program: Program, options: CompileOptions) -> Executable:
            found.append(len(program.nodes))
            return original(self, program, options)

        monkeypatch.setattr(type(backend), "compile", note)
        yield found


def test_training_and_prediction_are_the_same(set_passes: SetPasses, sizes: list[int]) -> None:
    set_passes("on")
    expected = run()
    largest = max(sizes)
    set_passes("off")
    del sizes[:]
    found = run()
    assert max(sizes) > 1.1 * largest
    assert len(found) == len(expected)
    for have, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(have, want, rtol=2e-4, atol=2e-5)


def test_who_decides(backends: BackendManager, monkeypatch: pytest.MonkeyPatch) -> None:
    config.reset()
    assert config.passes_are_on()
    Path("pyproject.toml").write_text('[tool.cornu]\npasses = "off"\n')
    config.reset()
    assert not config.passes_are_on()
    monkeypatch.setenv("CORNU_PASSES", "on")
    config.reset()
    assert config.passes_are_on()


def test_a_value_that_means_nothing(backends: BackendManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNU_PASSES", "no")
    config.reset()
    with pytest.raises(ValueError, match="variable CORNU_PASSES: passes must be one of on, off, not 'no'"):
        config.passes_are_on()
