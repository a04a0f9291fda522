"""State is updated in its own buffers, and nobody who holds a value sees it change."""

from __future__ import annotations

import copy
import gc
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers, ops
from cornu.backend.contract import BackendError, CompileOptions, Executable
from cornu.backend.manager import register_backend, unregister_backend
from cornu.ir.program import Program
from cornu.tracing import Variable, function
from cornu_numpy.backend import NumpyBackend


class Spoiling(NumpyBackend):
    """Donated buffers are full of rubbish after the call."""

    name = "spoiling"
    donated: list[frozenset[int]]
    copies: int
    before_run: Callable[[], Any]

    def __init__(self) -> None:
        self.donated, self.copies, self.before_run = [], 0, lambda: None

    def from_numpy(self, array: np.ndarray, device: str = "") -> np.ndarray:
        self.copies += 1
        return super().from_numpy(array, device)

    def compile(self, program: Program, options: CompileOptions) -> Any:
        return SpoilingExecutable(self, super().compile(program, options))


class SpoilingExecutable:
    def __init__(self, backend: Spoiling, honest: Executable) -> None:
        self.backend, self.honest = backend, honest

    def __call__(self, inputs: Sequence[np.ndarray], donate: frozenset[int] = frozenset()) -> list[np.ndarray]:
        self.backend.before_run()
        outputs = self.honest(inputs)
        for i in donate:
            inputs[i].fill(77)
        if donate:
            self.backend.donated.append(donate)
        return outputs

    def synchronize(self) -> None:
        self.honest.synchronize()

    def close(self) -> None:
        self.honest.close()


@pytest.fixture
def backend() -> Iterator[Spoiling]:
    register_backend("spoiling", Spoiling)
    try:
        with keras.use_backend("spoiling") as started:
            assert isinstance(started, Spoiling)
            yield started
    finally:
        unregister_backend("spoiling")


def weights(name: str = "w") -> Variable:
    return Variable(np.arange(4, dtype=np.float32), name=name)


def adding(variable: Variable) -> Any:
    """A step that adds a number to a variable."""
    return function(lambda x: variable.assign(variable.value + x))


ONE = np.ones(1, np.float32)


# -- in place ------------------------------------------------------------------------------------------------------


def test_what_is_read_and_written_is_donated_and_nothing_else(backend: Spoiling) -> None:
    both, read, written = weights("both"), weights("read"), weights("written")

    @function
    def step(x: Any) -> Any:
        both.assign(both.value + read.value * x)
        written.assign(read.value * x)
        return x * 2.0

    for _ in range(3):
        step(np.ones(4, np.float32))
    assert [len(positions) for positions in backend.donated] == [1, 1, 1]
    assert both.numpy().tolist() == [0, 4, 8, 12]
    assert read.numpy().tolist() == written.numpy().tolist() == [0, 1, 2, 3]


def test_no_value_is_copied_from_step_to_step(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    one = ops.convert_to_tensor(ONE)
    before = backend.copies
    for _ in range(5):
        step(one)
        for read in (Variable.numpy, ops.sum, np.asarray, ops.convert_to_tensor):
            read(v)  # what is held no longer is no hindrance
    assert backend.copies == before
    assert len(backend.donated) == 5
    assert v.numpy().tolist() == [5, 6, 7, 8]


def test_loaded_weights_are_updated_in_place(backend: Spoiling) -> None:
    v = weights()
    step, one = adding(v), ops.convert_to_tensor(ONE)
    v.assign(np.full(4, 7, np.float32))
    before = backend.copies
    step(one)
    assert backend.copies == before
    assert v.numpy().tolist() == [8] * 4


def test_a_numpy_model_trains_in_the_memory_of_its_weights() -> None:
    with keras.use_backend("numpy"):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(64, "relu"), layers.Dense(2)])
        model.compile("adam", "mse")
        x, y = np.ones((8, 4), np.float32), np.ones((8, 2), np.float32)
        model.train_on_batch(x, y)
        state = [v for v in (*model.trainable_variables, *model.optimizer.variables) if v.shape]

        def places() -> list[int]:
            return [v.concrete().buffer(*keras_place()).ctypes.data for v in state]

        first = places()
        for _ in range(3):
            model.train_on_batch(x, y)
        assert places() == first


def keras_place() -> tuple[Any, str]:
    from cornu.backend.config import current_backend, current_device

    return current_backend(), current_device()


# -- who holds a value keeps it ------------------------------------------------------------------------------------

HOLDERS: dict[str, Callable[[Variable], Any]] = {
    "value": lambda v: v.value,
    "convert_to_tensor": ops.convert_to_tensor,
    "array": np.asarray,
    "numpy": lambda v: v.numpy(),
    "dlpack of the value": lambda v: np.from_dlpack(v.value),
    "another variable": lambda v: Variable(v.value),
    "assigned to another": lambda v: assigned(np.zeros(4, np.float32), v.value),
    "assigned as a variable": lambda v: assigned(np.zeros(4, np.float32), v),
    "a shallow copy": copy.copy,
    "what assign returned": lambda v: v.assign(np.arange(4, dtype=np.float32)),
    "what assign was given": lambda v: given(v, ops.convert_to_tensor(np.arange(4, dtype=np.float32))),
    "in a closure": lambda v: (lambda tensor: lambda: tensor)(v.value),
}


def assigned(start: np.ndarray, value: Any) -> Variable:
    other = Variable(start)
    other.assign(value)
    return other


def given(variable: Variable, tensor: Any) -> Any:
    variable.assign(tensor)
    return tensor


@pytest.mark.parametrize("route", HOLDERS)
def test_a_value_that_somebody_holds_never_changes(backend: Spoiling, route: str) -> None:
    v = weights()
    step = adding(v)
    step(ONE * 0)  # what it holds is an output now
    held = HOLDERS[route](v)
    for _ in range(2):
        step(ONE)
    seen = held() if callable(held) and not isinstance(held, Variable) else held
    np.testing.assert_array_equal(np.asarray(seen), np.arange(4))
    assert v.numpy().tolist() == [2, 3, 4, 5]
    assert len(set(backend.donated)) == 1  # always the same positions: nothing is compiled anew


def test_a_variable_that_shares_a_value_is_updated_alone(backend: Spoiling) -> None:
    a, b = weights("a"), weights("b")
    b.assign(a.value)
    adding(b)(ONE)
    adding(a)(ONE * 2)
    assert a.numpy().tolist() == [2, 3, 4, 5]
    assert b.numpy().tolist() == [1, 2, 3, 4]


def test_a_value_given_to_the_step_itself(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    value = v.value
    step(value)
    step(v.value)
    np.testing.assert_array_equal(np.asarray(value), np.arange(4))
    assert v.numpy().tolist() == [0, 4, 8, 12]


def test_what_a_step_returns_of_a_variable_stays(backend: Spoiling) -> None:
    v = weights()

    @function
    def step(x: Any) -> Any:
        before = v.value
        v.assign(before + x)
        return before, v.value

    first = step(ONE)
    second = step(ONE)
    expected = [np.arange(4) + i for i in (0, 1, 1, 2)]
    np.testing.assert_array_equal([np.asarray(t) for t in (*first, *second)], expected)


def test_a_tape_goes_back_through_steps(backend: Spoiling) -> None:
    """The gradient is taken where the variable was when it was read."""
    v = weights()

    @function
    def step(x: Any) -> Any:
        loss = ops.sum(v.value * v.value * x)
        v.assign(v.value + 1.0)
        return loss

    with keras.GradientTape() as tape:
        loss = step(ops.convert_to_tensor(ONE))
    step(ops.convert_to_tensor(ONE))
    np.testing.assert_array_equal(np.asarray(tape.gradient(loss, v)), 2 * np.arange(4))


def test_stateless_calls_leave_what_they_were_given(backend: Spoiling) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(), layers.Dense(2)])
    model.compile("adam", "mse")
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    model.train_on_batch(x, y)
    trainable = [v.value for v in model.trainable_variables]
    other = [v.value for v in model.non_trainable_variables]
    kept = [np.asarray(t) for t in (*trainable, *other)]
    before, _ = model.stateless_call(trainable, other, x)
    for _ in range(2):
        model.train_on_batch(x, y)
    after, _ = model.stateless_call(trainable, other, x)
    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    for tensor, want in zip((*trainable, *other), kept, strict=True):
        np.testing.assert_array_equal(np.asarray(tensor), want)


def test_a_frozen_prediction_does_not_see_later_steps_of_its_constants(backend: Spoiling) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    for _ in range(3):
        predicted = model.predict(x, batch_size=2, verbose=0)
        kernel, bias = model.get_weights()
        np.testing.assert_allclose(predicted, x @ kernel + bias, rtol=1e-5)
        model.train_on_batch(x, y)


@pytest.mark.parametrize("settings", [{}, {"steps_per_execution": 2}, {"run_eagerly": True}, {"jit_compile": False}])
def test_training_is_the_same_with_and_without(backend: Spoiling, settings: dict[str, Any]) -> None:
    def trained() -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        net = [keras.Input((5,)), layers.Dense(4, "relu"), layers.Dropout(0.2), layers.BatchNormalization()]
        model = keras.Sequential([*net, layers.Dense(1)])
        model.compile(keras.optimizers.Adam(use_ema=True), "mse", metrics=["mae"], **settings)
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(22, 5)).astype("float32"), rng.normal(size=(22, 1)).astype("float32")
        model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        return model.get_weights()

    spoilt = trained()
    with keras.use_backend("numpy"):
        expected = trained()
    for left, right in zip(spoilt, expected, strict=True):
        np.testing.assert_array_equal(left, right)


def test_values_on_another_backend_are_moved_first(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    with keras.use_backend("numpy"):
        step(ONE)
        held = v.value
    step(ONE)
    with keras.use_backend("numpy"):
        step(ONE)
    np.testing.assert_array_equal(np.asarray(held), np.arange(4) + 1)
    assert v.numpy().tolist() == [3, 4, 5, 6]


def test_a_profile_sees_the_same_numbers(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    step(ONE)
    with keras.profile() as taken:
        step(ONE)
    step(ONE)
    assert taken.report is not None
    assert v.numpy().tolist() == [3, 4, 5, 6]


# -- threads -------------------------------------------------------------------------------------------------------


def test_threads_that_train_and_read_one_model_see_whole_values(backend: Spoiling) -> None:
    """Both halves of a value are equal in every state; a donated buffer, or half a step, would show."""
    v = Variable(np.zeros(64, np.float32))
    step = adding(v)
    step(ONE)
    seen: list[np.ndarray] = []

    def work(i: int) -> None:
        with keras.use_backend("spoiling"):
            for _ in range(60):
                seen.append(v.numpy()) if i % 2 else step(ONE)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    for array in (*seen, v.numpy()):
        assert array.min() == array.max()
        assert array[0] in range(1, 400)


def test_a_thread_waits_for_the_step_of_another(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    step(ONE * 0)
    running, go_on = threading.Event(), threading.Event()

    def before_run() -> None:
        running.set()
        assert go_on.wait(10)

    def train() -> None:
        with keras.use_backend("spoiling"):
            step(ONE)

    backend.before_run = before_run
    trainer = threading.Thread(target=train)
    trainer.start()
    assert running.wait(10)
    backend.before_run = lambda: None
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(v.numpy)
        assert not reading.done()
        go_on.set()
        assert reading.result(10).tolist() == [1, 2, 3, 4]
    trainer.join()


def test_a_step_cannot_read_what_it_is_updating(backend: Spoiling) -> None:
    v = weights("busy")
    step = adding(v)
    step(ONE)
    backend.before_run = v.numpy
    with pytest.raises(RuntimeError, match="Variable busy has no value while the step runs that updates it"):
        step(ONE)


# -- failures ------------------------------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_failed_step_names_what_it_has_used_up(backend: Spoiling) -> None:
    a, b, read = weights("a"), weights("b"), weights("read")

    @function
    def step(x: Any) -> None:
        a.assign(a.value + x * read.value)
        b.assign(b.value + x)

    step(ONE)
    backend.before_run = failing(BackendError("the device is gone"))
    with pytest.raises(BackendError, match="the device is gone") as caught:
        step(ONE)
    assert caught.value.__notes__ == [
        "The values of these variables are lost: a, b. Assign new ones: load the weights, and the state of the "
        "optimizer, or build both anew."
    ]
    backend.before_run = lambda: None
    for use in (lambda: a.numpy(), lambda: step(ONE), lambda: a.assign_add(1.0)):
        with pytest.raises(
            RuntimeError, match=r"variable a is lost.*BackendError: the device is gone.*Assign new ones"
        ):
            use()
    assert read.numpy().tolist() == [0, 1, 2, 3]
    assert (a.shape, a.dtype) == ((4,), "float32")
    a.assign(np.zeros(4))
    with pytest.raises(RuntimeError, match="variable b is lost"):
        step(ONE)
    b.assign(np.zeros(4))
    step(ONE)
    assert a.numpy().tolist() == [0, 1, 2, 3]
    assert b.numpy().tolist() == [1] * 4


def test_what_the_backend_has_not_used_up_comes_back(backend: Spoiling) -> None:
    a, b = weights("a"), weights("b")

    @function
    def step(x: Any) -> None:
        a.assign(a.value + x)
        b.assign(b.value + x)

    step(ONE)
    backend.before_run = failing(BackendError("no memory", spent=frozenset()))
    with pytest.raises(BackendError, match="no memory") as caught:
        step(ONE)
    assert not hasattr(caught.value, "__notes__")
    assert a.numpy().tolist() == b.numpy().tolist() == [1, 2, 3, 4]
    backend.before_run = failing(BackendError("no memory", spent=frozenset({2})))
    del caught  # its traceback holds the values
    gc.collect()
    with pytest.raises(BackendError):
        step(ONE)
    assert a.numpy().tolist() == [1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="variable b is lost"):
        b.numpy()


def test_a_copy_is_lost_without_loss(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    step(ONE)
    held = v.value
    backend.before_run = failing(RuntimeError("gone"))
    with pytest.raises(RuntimeError, match="gone"):
        step(ONE)
    np.testing.assert_array_equal(np.asarray(held), v.numpy())


def test_what_fails_before_the_program_runs_loses_nothing(backend: Spoiling, monkeypatch: pytest.MonkeyPatch) -> None:
    v, w = weights("v"), weights("w")

    @function
    def step(x: Any) -> None:
        v.assign(v.value + ops.sum(x))
        w.assign(w.value + 1.0)

    x = ops.ones(3)
    step(x)
    version = v.version
    with pytest.raises(TypeError):
        step(np.array(["a"]))
    held = w.value  # which must be copied
    monkeypatch.setattr(Spoiling, "from_numpy", lambda *args: failing(MemoryError())())
    with pytest.raises(MemoryError):
        step(x)
    monkeypatch.undo()
    assert v.numpy().tolist() == [3, 4, 5, 6]
    np.testing.assert_array_equal(np.asarray(held), w.numpy())
    assert v.version == version


def test_a_lost_model_is_found_again_by_loading(backend: Spoiling, tmp_path: Any) -> None:
    def make() -> keras.Model:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
        model.compile("adam", "mse")
        return model

    model = make()
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    model.train_on_batch(x, y)
    model.save_weights(tmp_path / "w.weights.h5")
    expected = [np.asarray(w) for w in model.get_weights()]
    backend.before_run = failing(BackendError("gone"))
    with pytest.raises(BackendError):
        model.train_on_batch(x, y)
    backend.before_run = lambda: None
    with pytest.raises(RuntimeError, match="kernel is lost"):
        model.predict(x, verbose=0)
    model.load_weights(tmp_path / "w.weights.h5")
    for left, right in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(left, right)
    model.compile("adam", "mse")
    model.train_on_batch(x, y)


# -- interrupts ----------------------------------------------------------------------------------------------------


def test_an_interrupt_waits_for_the_end_of_the_step(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    handler = signal.getsignal(signal.SIGINT)
    backend.before_run = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        step(ONE)
    backend.before_run = lambda: None
    assert signal.getsignal(signal.SIGINT) is handler
    assert v.numpy().tolist() == [1, 2, 3, 4]
    step(ONE)
    assert v.numpy().tolist() == [2, 3, 4, 5]


def test_an_interrupt_between_two_variables_waits(backend: Spoiling, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = weights("a"), weights("b")

    @function
    def step(x: Any) -> None:
        a.assign(a.value + x)
        b.assign(b.value + x)

    replace = Variable.replace

    def interrupted(self: Variable, tensor: Any) -> None:
        if self is b:
            signal.raise_signal(signal.SIGINT)
        replace(self, tensor)

    monkeypatch.setattr(Variable, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        step(ONE)
    assert a.numpy().tolist() == b.numpy().tolist() == [1, 2, 3, 4]


def test_a_handler_of_the_program_is_called_afterwards(backend: Spoiling) -> None:
    v = weights()
    step = adding(v)
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(v.numpy().tolist()))
    try:
        backend.before_run = lambda: signal.raise_signal(signal.SIGINT)
        step(ONE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [[1, 2, 3, 4]]


def test_an_ignored_signal_stays_ignored(backend: Spoiling) -> None:
    step = adding(weights())
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        backend.before_run = lambda: signal.raise_signal(signal.SIGINT)
        step(ONE)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
