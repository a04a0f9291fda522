"""A step that fails leaves the model as it was or says what is lost, and many steps take no more memory than a few."""

from __future__ import annotations

import gc
import signal
import tracemalloc
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers
from cornu.backend.contract import BackendError
from cornu.backend.manager import get_backend, register_backend, unregister_backend
from cornu.tracing import Variable
from cornu_numpy.kernel import MAKERS, Kernel, Operation

X, Y = np.random.default_rng(0).normal(size=(64, 5)).astype("float32"), np.zeros((64, 1), "float32")


def make_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def state(model: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]


class Flaky(type(get_backend("numpy"))):  # type: ignore[misc]
    """A backend whose executables fail on demand."""

    failure: BaseException | None = None

    def compile(self, program: Any, options: Any) -> Any:
        executable = super().compile(program, options)

        def run(inputs: Any, donate: frozenset[int] = frozenset()) -> Any:
            if Flaky.failure is not None:
                raise Flaky.failure
            return executable(inputs, donate)

        return run


@pytest.fixture
def flaky() -> Any:
    register_backend("flaky", Flaky)
    yield
    Flaky.failure = None
    unregister_backend("flaky")


@pytest.mark.usefixtures("flaky")
def test_a_backend_that_fails_early_changes_nothing() -> None:
    failure = BackendError("no memory", spent=frozenset())
    with keras.use_backend("flaky"):
        model = make_model()
        model.fit(X, Y, verbose=0)
        before = state(model)
        Flaky.failure = failure
        with pytest.raises(BackendError, match="no memory"):
            model.fit(X, Y, verbose=0)
        Flaky.failure = None
        for left, right in zip(before, state(model), strict=True):
            np.testing.assert_array_equal(left, right)
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_raising_callback_leaves_whole_steps(backend: str, failure: type[BaseException]) -> None:
    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                raise failure

    with keras.use_backend(backend):
        stopped, single = make_model(), make_model()
        with pytest.raises(failure):
            stopped.fit(X, Y, batch_size=32, shuffle=False, verbose=0, callbacks=[Stop()])
        single.train_on_batch(X[:32], Y[:32])
        for left, right in zip(state(stopped), state(single), strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_after_an_interrupt_training_goes_on(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is finished first, wherever Ctrl-C comes."""
    with keras.use_backend(backend):
        stopped, whole = make_model(), make_model()
        for model in (stopped, whole):
            model.train_on_batch(X, Y)
        replace, calls = Variable.replace, iter(range(100))

        def interrupted(self: Variable, tensor: Any) -> None:
            if next(calls) == 3:
                signal.raise_signal(signal.SIGINT)
            replace(self, tensor)

        monkeypatch.setattr(Variable, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stopped.train_on_batch(X, Y)
        monkeypatch.undo()
        whole.train_on_batch(X, Y)
        for left, right in zip(state(stopped), state(whole), strict=True):
            np.testing.assert_array_equal(left, right)
        stopped.train_on_batch(X, Y)


@pytest.mark.usefixtures("passes_on")  # that put updates early
def test_numpy_loses_only_weights_that_it_has_begun_to_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel of the backward pass fails when the last layer is updated already, but not the first."""

    def broken(operation: Operation) -> Kernel | None:
        return Kernel(fail, True) if operation.shape == (5, 4) else honest(operation)

    def fail(*arrays: np.ndarray) -> None:
        raise MemoryError("no room")

    honest = MAKERS["MatMul"]
    monkeypatch.setitem(MAKERS, "MatMul", broken)
    with keras.use_backend("numpy"):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((5,)), layers.Dense(4, "relu"), layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        first, last = model.trainable_variables[0], model.trainable_variables[2]
        before = first.numpy()
        with pytest.raises(BackendError, match="MemoryError: no room") as caught:
            model.train_on_batch(X, Y)
        np.testing.assert_array_equal(first.numpy(), before)
        with pytest.raises(RuntimeError, match="is lost"):
            last.numpy()
        (note,) = caught.value.__notes__
        assert last.path in note
        assert first.path not in note


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_a_thousand_steps_take_constant_memory(backend: str) -> None:
    with keras.use_backend(backend):
        model = make_model()
        for _ in range(20):
            model.train_on_batch(X, Y)
        tracemalloc.start()
        try:
            for _ in range(20):
                model.train_on_batch(X, Y)
            gc.collect()
            early = tracemalloc.get_traced_memory()[0]
            for _ in range(1000):
                model.train_on_batch(X, Y)
            gc.collect()
            late = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert late - early < 64 * 1024
