"""Where `fit` takes its batches from, and how it goes on after an interruption."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with keras.use_backend("numpy"):
        yield


def make_model(**arguments: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", **arguments)
    return model


def weights_after(*args: Any, **kwargs: Any) -> list[np.ndarray]:
    model = make_model()
    model.fit(*args, verbose=0, **kwargs)
    weights: list[np.ndarray] = model.get_weights()
    return weights


def assert_same(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Batches(keras.utils.PyDataset):
    """The arrays in batches of 4; notes what is asked of it, and by whom."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seen: list[Any] = []
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        self.seen.append(index)
        self.threads.add(threading.current_thread().name)
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]

    def on_epoch_begin(self) -> None:
        self.seen.append("begin")

    def on_epoch_end(self) -> None:
        self.seen.append("end")


class FromProcesses(Batches):
    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x, y, np.full(len(x), os.getpid(), "float64")


class Endless(Batches):
    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index % 6)


# -- data sets -----------------------------------------------------------------------------------------------------


def test_a_data_set_is_gone_through_in_order_without_shuffling() -> None:
    data = Batches()
    weights = weights_after(data, epochs=2, shuffle=False)
    assert data.seen == ["begin", *range(6), "end"] * 2
    assert_same(weights, weights_after(X, Y, epochs=2, batch_size=4, shuffle=False))


def test_shuffling_changes_the_order_of_batches_in_each_epoch() -> None:
    data = Batches()
    make_model().fit(data, epochs=2, verbose=0)
    first, second = data.seen[1:7], data.seen[9:15]
    assert sorted(first) == sorted(second) == [*range(6)]
    assert first != second
    again = Batches()
    make_model().fit(again, epochs=2, verbose=0)
    assert again.seen == data.seen


def test_workers_make_batches_ahead_and_in_order() -> None:
    data = Batches(workers=3, max_queue_size=2)
    weights = weights_after(data, shuffle=False)
    assert all(name.startswith("ThreadPool") for name in data.threads)
    assert_same(weights, weights_after(X, Y, batch_size=4, shuffle=False))


def test_no_more_batches_are_made_ahead_than_the_queue_holds() -> None:
    data = Batches(workers=1, use_multiprocessing=False, max_queue_size=2)
    data.workers = 2
    running = iter(data)
    next(running)
    assert len([number for number in data.seen if number != "begin"]) <= 3
    running.close()


def test_processes_make_batches() -> None:
    data = FromProcesses(workers=2, use_multiprocessing=True)
    batches = list(data)
    assert os.getpid() not in {int(batch[2][0]) for batch in batches}
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), X)
    assert data.seen == ["begin", "end"]


def test_an_endless_data_set() -> None:
    weights = weights_after(Endless(), epochs=2, steps_per_epoch=6, shuffle=False)
    assert_same(weights, weights_after(X, Y, epochs=2, batch_size=4, shuffle=False))


def test_a_data_set_validates_and_predicts_in_order() -> None:
    model = make_model()
    history = model.fit(X, Y, verbose=0, validation_data=Batches()).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_allclose(model.predict(Batches(), verbose=0), model.predict(X, verbose=0), rtol=1e-5)


def test_generators() -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield from ((X[i : i + 4], Y[i : i + 4]) for i in range(0, 24, 4))

    expected = weights_after(X, Y, epochs=2, batch_size=4, shuffle=False)
    assert_same(weights_after(endless(), epochs=2, steps_per_epoch=6), expected)

    def twice() -> Iterator[Any]:
        for _ in range(12):
            yield X[:4], Y[:4]

    model = make_model()
    with pytest.warns(UserWarning, match=r"ran out of data after 1 epoch"):
        history = model.fit(twice(), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 1
    assert int(np.asarray(model.optimizer.iterations)) == 12
    with pytest.raises(ValueError, match="not one batch"):
        model.fit(iter(()), verbose=0)


def test_generators_of_structures() -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model({"a": a, "b": b}, {"sum": layers.Dense(1, name="sum")(a + b)})
    model.compile("adam", {"sum": "mse"})

    def batches() -> Iterator[Any]:
        for _ in range(3):
            yield {"a": X, "b": X}, {"sum": Y}, {"sum": np.ones(24)}

    assert len(model.fit(batches(), verbose=0).history["loss"]) == 1


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"], index=range(100, 124))
    target = pandas.Series(Y[:, 0], index=range(100, 124))
    expected = weights_after(X, Y, epochs=2)
    assert_same(weights_after(frame, target, epochs=2), expected)
    assert_same(weights_after(frame, pandas.DataFrame(Y), epochs=2), expected)
    weighted = weights_after(frame, target, sample_weight=pandas.Series(np.arange(24.0)))
    assert_same(weighted, weights_after(X, Y, sample_weight=np.arange(24.0)))
    mixed = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1] > 0, "c": np.arange(24)})
    plain = np.stack([X[:, 0], X[:, 1] > 0, np.arange(24)], axis=1)
    assert_same(weights_after(mixed, target), weights_after(plain, Y))
    with pytest.raises(ValueError, match="expected arrays of numbers, got DataFrame"):
        make_model().fit(pandas.DataFrame({"a": ["x"], "b": [1], "c": [2]}), target[:1], verbose=0)
    halves = make_model().fit(frame, target, validation_split=0.25, verbose=0).history
    assert set(halves) == {"loss", "val_loss"}


# -- steps ---------------------------------------------------------------------------------------------------------


class Notes(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("begin", batch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("train", batch))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("test", batch))

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("predict", batch, len(logs["outputs"])))


def test_several_steps_between_callbacks() -> None:
    model, notes = make_model(steps_per_execution=2), Notes()
    model.fit(X[:20], Y[:20], batch_size=4, shuffle=False, verbose=0, callbacks=[notes])
    expected = [("begin", 0), ("train", 1), ("begin", 2), ("train", 3), ("begin", 4), ("train", 4)]
    assert notes.calls == expected
    assert_same(model.get_weights(), weights_after(X[:20], Y[:20], batch_size=4, shuffle=False))
    notes.calls.clear()
    model.evaluate(X[:20], Y[:20], batch_size=4, verbose=0, callbacks=[notes])
    outputs = model.predict(X[:20], batch_size=4, verbose=0, callbacks=[notes])
    assert notes.calls == [
        ("test", 1),
        ("test", 3),
        ("test", 4),
        ("predict", 1, 8),
        ("predict", 3, 8),
        ("predict", 4, 4),
    ]
    np.testing.assert_allclose(outputs, np.asarray(model(X[:20])), rtol=1e-5)


@pytest.mark.parametrize(("frequency", "epochs"), [(2, [1, 3]), ([1, 4], [0, 3])])
def test_validation_frequency(frequency: Any, epochs: list[int]) -> None:
    seen: list[int] = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch) if "val_loss" in logs else None
    )
    make_model().fit(X, Y, epochs=4, validation_split=0.5, validation_freq=frequency, verbose=0, callbacks=[note])
    assert seen == epochs


def test_initial_epoch() -> None:
    history = make_model().fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


# -- interruptions -------------------------------------------------------------------------------------------------


class Stumble(keras.callbacks.Callback):
    """Interrupts training once, at the start of an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.at: int | None = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.at:
            self.at = None
            raise KeyboardInterrupt


def callbacks_of(folder: Path) -> list[Any]:
    return [
        keras.callbacks.BackupAndRestore(folder / "backup"),
        keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="loss", save_best_only=True),
        keras.callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True, mode="max"),
        keras.callbacks.ReduceLROnPlateau("loss", patience=3, factor=0.5, mode="max"),
    ]


def test_training_goes_on_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    whole = make_model()
    straight = callbacks_of(tmp_path / "a")[1:]
    straight_history = whole.fit(X, Y, epochs=8, shuffle=False, verbose=0, callbacks=straight)

    model, held = make_model(), callbacks_of(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=8, shuffle=False, verbose=0, callbacks=[*held, Stumble(2)])
    model, held = make_model(), callbacks_of(tmp_path / "b")
    history = model.fit(X, Y, epochs=8, shuffle=False, verbose=0, callbacks=held)
    assert history.epoch == straight_history.epoch[2:]
    assert history.history["loss"] == pytest.approx(straight_history.history["loss"][2:], rel=1e-5)
    assert held[1].best == pytest.approx(straight[0].best)
    assert held[2].stopped_epoch == straight[1].stopped_epoch > 0
    assert held[2].best == pytest.approx(straight[1].best)
    assert_same(model.get_weights(), whole.get_weights())


def test_a_checkpoint_of_the_best_model_survives_an_interruption(tmp_path: Path) -> None:
    """Without the best value, the first epoch after it would overwrite a better model."""
    model, held = make_model(), callbacks_of(tmp_path)[:2]
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=4, verbose=0, callbacks=[*held, Stumble(3)])
    best = (tmp_path / "best.keras").read_bytes()
    resumed, held = make_model(), callbacks_of(tmp_path)[:2]
    resumed.fit(X, 100 * Y, epochs=4, verbose=0, callbacks=held)
    assert (tmp_path / "best.keras").read_bytes() == best


def test_on_one_batch_the_metrics_are_those_of_the_batch() -> None:
    x, y = np.array([[1.0], [2.0]], "float32"), np.zeros((2, 1), "float32")
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    assert model.train_on_batch(x, y) == pytest.approx([2.5, 1.5])
    # The gradient of the kernel is 2 * mean(x * x) = 5, that of the bias 2 * mean(x) = 3: outputs 0.2 and 0.7.
    assert model.test_on_batch(x, y) == pytest.approx([(0.04 + 0.49) / 2, 0.45])
    assert model.test_on_batch(x[:1], y[:1]) == pytest.approx([0.04, 0.2])
