"""Updates that overwrite what they update."""

from __future__ import annotations

from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu.backend.contract import CompileOptions
from cornu_kernels import Kernels
from cornu_onnxruntime.lowering import lower
from kernel_programs import BACKEND, program_of

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def places(make: Any, *arrays: np.ndarray) -> dict[int, int]:
    return Kernels().update_in_place(lower(program_of(make, *arrays), kernels=Kernels()))[1]


def momentum(b: Any, w: Any, m: Any, x: Any) -> Any:
    """An update by the gradient x @ x."""
    after = b.Add(b.Mul(m, 0.9), b.MatMul(x, x))
    return b.Sub(w, b.Mul(after, 0.1)), after


def by_hand(w: np.ndarray, m: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
    after = m * np.float32(0.9) + x @ x
    return [w - after * np.float32(0.1), after]


def test_an_update_lies_on_what_it_updates() -> None:
    w, m, x = numbers(30, 30), numbers(30, 30), numbers(30, 30)
    assert places(momentum, w, m, x) == {0: 0, 1: 1}
    executable = BACKEND.compile(program_of(momentum, w, m, x), CompileOptions())
    buffers = [BACKEND.from_numpy(array, "") for array in (w, m, x)]
    for _ in range(3):
        w, m = by_hand(w, m, x)
        results = executable(buffers, frozenset({0, 1}))
        assert results[0] is buffers[0]
        assert results[1] is buffers[1]
        np.testing.assert_allclose(BACKEND.to_numpy(results[0]), w, 1e-4, 1e-4)
        np.testing.assert_allclose(BACKEND.to_numpy(results[1]), m, 1e-4, 1e-4)
        np.testing.assert_array_equal(BACKEND.to_numpy(buffers[2]), x)


def test_donated_or_not_from_call_to_call() -> None:
    """What is not donated stays, whatever was donated before."""
    w, m, x = numbers(30, 30), numbers(30, 30), numbers(30, 30)
    executable = BACKEND.compile(program_of(momentum, w, m, x), CompileOptions())
    want = by_hand(w, m, x)
    for donate in ({0}, {1}, {2}, {0, 1}, set(), {1}, {0, 1, 2}):
        buffers = [BACKEND.from_numpy(array, "") for array in (w, m, x)]
        results = executable(buffers, frozenset(donate))
        for result, expected in zip(results, want, strict=True):
            np.testing.assert_allclose(BACKEND.to_numpy(result), expected, 1e-4, 1e-4)
        for i in {0, 1, 2} - donate:
            np.testing.assert_array_equal(BACKEND.to_numpy(buffers[i]), (w, m, x)[i])
            assert all(result is not buffers[i] for result in results)


def test_one_buffer_given_twice() -> None:
    """Where two inputs are one buffer it is not overwritten."""
    w, x = numbers(30, 30), numbers(30, 30)
    executable = BACKEND.compile(program_of(momentum, w, w, x), CompileOptions())
    shared, last = BACKEND.from_numpy(w, ""), BACKEND.from_numpy(x, "")
    results = executable([shared, shared, last], frozenset({0, 1}))
    for result, expected in zip(results, by_hand(w, w, x), strict=True):
        np.testing.assert_allclose(BACKEND.to_numpy(result), expected, 1e-4, 1e-4)


def test_other_readers_come_first() -> None:
    """A product that reads the old weight and is needed by nobody but the caller runs before the update."""
    w, g, x = numbers(300, 300), numbers(300, 300), numbers(300, 300)

    def make(b: Any, w: Any, g: Any, x: Any) -> Any:
        read = b.MatMul(x, b.Transpose(w, perm=(1, 0)))
        again = b.ReduceSum(b.Reshape(w, shape=(90000,)), axes=(0,), keepdims=False)
        return b.Sub(w, b.Mul(g, 0.1)), read, again

    program = program_of(make, w, g, x)
    assert places(make, w, g, x) == {0: 0}
    executable = BACKEND.compile(program, CompileOptions())
    buffers = [BACKEND.from_numpy(array, "") for array in (w, g, x)]
    for _ in range(5):
        results = executable(buffers, frozenset({0}))
        np.testing.assert_allclose(BACKEND.to_numpy(results[1]), x @ w.T, 1e-3, 1e-3)
        np.testing.assert_allclose(BACKEND.to_numpy(results[2]), w.sum(), 1e-3, 1e-2)
        w = w - g * np.float32(0.1)
        np.testing.assert_allclose(BACKEND.to_numpy(results[0]), w, 1e-5, 1e-5)


def test_a_value_that_is_read_after_its_update_is_kept() -> None:
    """The old value enters a result that is made after the new one."""
    w, g = numbers(40, 30), numbers(40, 30)

    def make(b: Any, w: Any, g: Any) -> Any:
        new = b.Sub(w, b.Mul(g, 0.1))
        return new, b.Div(b.Tanh(new), b.Add(b.Abs(w), 1.0))

    assert places(make, w, g).get(0) != 0
    executable = BACKEND.compile(program_of(make, w, g), CompileOptions())
    results = executable([BACKEND.from_numpy(w, ""), BACKEND.from_numpy(g, "")], frozenset({0}))
    new = w - g * np.float32(0.1)
    np.testing.assert_allclose(BACKEND.to_numpy(results[1]), np.tanh(new) / (np.abs(w) + 1), 1e-5, 1e-6)


def test_a_reader_of_the_new_and_the_old_value() -> None:
    w, g = numbers(40, 40), numbers(40, 40)

    def make(b: Any, w: Any, g: Any) -> Any:
        new = b.Sub(w, b.Mul(g, 0.1))
        return new, b.MatMul(new, w)

    assert places(make, w, g) == {}


def test_lanes_that_read_each_other() -> None:
    """Small updates are one node; what a second one of them reads is not overwritten by the first."""
    weights, x = [numbers(6, 6) for _ in range(5)], numbers(6, 6)

    def make(b: Any, *inputs: Any) -> Any:
        *weights, x = inputs
        grads = [b.MatMul(x, b.Transpose(x, perm=(1, 0))) for _ in weights]
        others = [*weights[1:], weights[0]]
        return [b.Sub(w, b.Mul(b.Add(g, o), 0.1)) for w, o, g in zip(weights, others, grads, strict=True)]

    arrays = [*weights, x]
    executable = BACKEND.compile(program_of(make, *arrays), CompileOptions())
    results = executable([BACKEND.from_numpy(array, "") for array in arrays], frozenset(range(5)))
    for k, result in enumerate(results):
        want = weights[k] - (x @ x.T + weights[(k + 1) % 5]) * np.float32(0.1)
        np.testing.assert_allclose(BACKEND.to_numpy(result), want, 1e-4, 1e-4)


def test_small_updates_are_one_node_in_place() -> None:
    weights, x = [numbers(k, 6) for k in (2, 3, 4, 5, 6)], numbers(6, 6)

    def make(b: Any, *inputs: Any) -> Any:
        *weights, x = inputs
        return [b.Sub(w, b.Mul(b.MatMul(w, x), 0.1)) for w in weights]

    arrays = [*weights, x]
    assert places(make, *arrays) == {k: k for k in range(5)}
    executable = BACKEND.compile(program_of(make, *arrays), CompileOptions())
    buffers = [BACKEND.from_numpy(array, "") for array in arrays]
    results = executable(buffers, frozenset(range(5)))
    for k, result in enumerate(results):
        assert result is buffers[k]
        np.testing.assert_allclose(BACKEND.to_numpy(result), weights[k] - weights[k] @ x * np.float32(0.1), 1e-4, 1e-4)


OPTIMIZERS = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "ftrl", "lion", "adadelta", "adamax"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_is_the_same(optimizer: str) -> None:
    """A model with convolutions, normalization, pooling and tied steps trains as without the kernels."""
    x, y = numbers(32, 10, 10, 3), RNG.integers(0, 3, 32)

    def losses(kernels: bool) -> tuple[list[float], list[np.ndarray]]:
        with keras.use_backend("onnxruntime", kernels=kernels):
            keras.utils.set_random_seed(3)
            model = keras.Sequential(
                [
                    keras.Input((10, 10, 3)),
                    keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
                    keras.layers.BatchNormalization(),
                    keras.layers.MaxPooling2D(),
                    keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="tanh"),
                    keras.layers.Flatten(),
                    keras.layers.Dense(8, activation="sigmoid"),
                    keras.layers.Dense(3),
                ]
            )
            model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            kept = model.trainable_variables[0].value
            before = np.array(kept)
            found = [float(model.train_on_batch(x, y)) for _ in range(6)]
            np.testing.assert_array_equal(np.array(kept), before)  # a tensor that someone holds never changes
            return found, model.get_weights()

    plain, fast = losses(False), losses(True)
    np.testing.assert_allclose(fast[0], plain[0], 2e-4, 1e-5)
    for have, want in zip(fast[1], plain[1], strict=True):
        np.testing.assert_allclose(have, want, 5e-3, 5e-4)
