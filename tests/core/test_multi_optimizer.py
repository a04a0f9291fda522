"""Different optimizers for different variables: each does what it does alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers
from cornu.callbacks import TensorBoard
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X[:, :1]


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with keras.use_backend("numpy"):
        yield


def make_model(optimizer: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="encoder"), layers.Dense(1, name="head")], name="net"
    )
    model.compile(optimizer, "mse")
    return model


def chosen(**options: Any) -> MultiOptimizer:
    return MultiOptimizer(OptimizerMap(SGD(0.1), {".*encoder/.*": Adam(0.01)}), **options)


def test_paths_choose() -> None:
    adam, sgd, other = Adam(), SGD(), SGD()
    held = OptimizerMap(sgd)
    held["encoder/.*"] = adam
    held["encoder/first/kernel"] = other
    assert held["encoder/first/kernel"] is other
    assert held["encoder/second/kernel"] is adam
    assert held["encoder"] is held["decoder/encoder/kernel"] is sgd
    assert (len(held), list(held)) == (2, ["encoder/.*", "encoder/first/kernel"])
    del held["encoder/first/kernel"]
    assert held["encoder/first/kernel"] is adam
    held[".*/kernel"] = other
    with pytest.raises(ValueError, match=r"encoder/first/kernel.*several keys"):
        held["encoder/first/kernel"]
    with pytest.raises(ValueError, match="has an optimizer already"):
        held[".*/kernel"] = other


def test_each_variable_is_trained_as_by_its_own_optimizer() -> None:
    """A layer that is not trained keeps the other's gradients what they were."""
    together = make_model(chosen())
    together.train_on_batch(X, Y)
    for trained, frozen, optimizer in ((0, 1, Adam(0.01)), (1, 0, SGD(0.1))):
        alone = make_model(optimizer)
        alone.layers[frozen].trainable = False
        alone.train_on_batch(X, Y)
        for ours, theirs in zip(together.layers[trained].weights, alone.layers[trained].weights, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_it_trains_is_saved_and_goes_on(tmp_path: Path) -> None:
    model = make_model(chosen())
    losses = model.fit(X, Y, epochs=5, verbose=0, callbacks=[TensorBoard(tmp_path / "logs")]).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [type(each) for each in loaded.optimizer.optimizers] == [Adam, SGD]
    for ours, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    model.fit(X, Y, verbose=0, shuffle=False)
    loaded.fit(X, Y, verbose=0, shuffle=False)
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_a_function_chooses() -> None:
    slow, fast = SGD(0.0), SGD(0.1)
    model = make_model(MultiOptimizer(lambda variable: fast if "head" in variable.path else slow))
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True]
    assert model.optimizer.optimizers == [slow, fast]


def test_one_loss_scale_for_all() -> None:
    optimizer = chosen(loss_scale_factor=8.0)
    assert [each.loss_scale_factor for each in optimizer.optimizers] == [8.0, 8.0]
    scaled, plain = make_model(optimizer), make_model(chosen())
    scaled.train_on_batch(X, Y)
    plain.train_on_batch(X, Y)
    for ours, theirs in zip(scaled.weights, plain.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_weights_are_set_in_order() -> None:
    model, other = make_model(chosen()), make_model(chosen())
    model.fit(X, Y, verbose=0)
    other.optimizer.build(other.trainable_variables)
    other.optimizer.set_weights([variable.numpy() for variable in model.optimizer.variables])
    for ours, theirs in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    with pytest.raises(ValueError, match="got 1 arrays"):
        other.optimizer.set_weights([np.zeros(())])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(TypeError, match="default_optimizer"):
        OptimizerMap("adam")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be a LossScaleOptimizer"):
        OptimizerMap(SGD(), {"x": LossScaleOptimizer(SGD())})
    with pytest.raises(ValueError, match="optimizer_map"):
        MultiOptimizer(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"net/encoder/kernel must be an Optimizer"):
        make_model(MultiOptimizer(lambda variable: None)).fit(X, Y, verbose=0)  # type: ignore[arg-type, return-value]
    with pytest.raises(AttributeError, match="each of its `optimizers`"):
        chosen().learning_rate = 0.1
