"""Training moved between backends, and training stopped, saved and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers

X = np.random.default_rng(1).normal(size=(256, 12)).astype("float32")
Y = np.random.default_rng(2).integers(0, 3, 256)


def make_model(optimizer: Any) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((12,)), layers.Dense(16, activation="tanh"), layers.Dropout(0.2), layers.Dense(3)]
    )
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def train(model: keras.Model, backends: list[str], steps: int = 24) -> list[float]:
    """Trains on fixed batches, on the backends in turn."""
    losses = []
    for step in range(steps):
        rows = slice(32 * (step % 8), 32 * (step % 8) + 32)
        with keras.use_backend(backends[step * len(backends) // steps]):
            losses.append(model.train_on_batch(X[rows], Y[rows], return_dict=True)["loss"])
            model.reset_metrics()
    return losses


def test_sgd_moved_in_mid_epoch_ends_where_an_unmoved_run_ends() -> None:
    stayed, moved = (make_model(keras.optimizers.SGD(0.1, momentum=0.9)) for _ in range(2))
    train(stayed, ["numpy"])
    train(moved, ["numpy", "onnxruntime", "numpy", "onnxruntime"])
    for left, right in zip(stayed.get_weights(), moved.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_adam_moved_in_mid_epoch_has_the_same_losses() -> None:
    stayed, moved = (make_model(keras.optimizers.Adam(0.01)) for _ in range(2))
    np.testing.assert_allclose(train(stayed, ["onnxruntime"]), train(moved, ["onnxruntime", "numpy"]), atol=1e-4)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_saved_and_continued_is_bit_equal(backend: str, suffix: str, tmp_path: Path) -> None:
    with keras.use_backend(backend):
        straight = make_model("adam")
        train(straight, [backend])
        train(straight, [backend])

        stopped = make_model("adam")
        train(stopped, [backend])
        stopped.save(tmp_path / f"model{suffix}")
        continued = keras.models.load_model(tmp_path / f"model{suffix}")
        if suffix == ".h5":  # this format has no place for the state of random generators
            continued.layers[1].seed_generator.state.assign(stopped.layers[1].seed_generator.state)
        train(continued, [backend])
    for left, right in zip(straight.get_weights(), continued.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    for left, right in zip(straight.optimizer.variables, continued.optimizer.variables, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())
