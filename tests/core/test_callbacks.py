"""Callbacks and the progress line, around a model that only records what is done to it."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import callbacks, metrics, ops, optimizers
from cornu.callbacks.callback import HOOKS
from cornu.callbacks.logs import pythonify_logs
from cornu.utils.progbar import Progbar, format_metric


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


class Recorder:
    """Stands for a model."""

    def __init__(self) -> None:
        self.name = "recorder"
        self.built = True
        self.stop_training = False
        self.weights = [np.zeros(1)]
        self.saved: list[str] = []
        self.metrics: list[Any] = [metrics.Mean(name="loss"), metrics.BinaryAccuracy(name="accuracy")]
        self.optimizer: Any = optimizers.SGD(1.0)
        self.trainable_variables: list[Any] = []

    def get_weights(self) -> list[np.ndarray]:
        return [w.copy() for w in self.weights]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = weights

    def save(self, path: str, overwrite: bool = True) -> None:
        self.saved.append(Path(path).name)
        Path(path).write_text("model")

    save_weights = save

    def load_weights(self, path: str) -> None:
        self.weights = [np.array([Path(path).stat().st_size])]


def run(callback: Any, model: Any, values: list[float], name: str = "val_loss", batches: int = 0) -> int:
    """Plays `fit` with these values of a metric, and returns how many epochs it took."""
    held = callbacks.CallbackList([callback], model=model, epochs=len(values), steps=batches, verbose=0)
    held.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = [np.array([float(epoch)])]
        held.on_epoch_begin(epoch)
        for batch in range(batches):
            held.on_train_batch_begin(batch)
            held.on_train_batch_end(batch, {"loss": value})
        held.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    held.on_train_end({name: value})
    return epoch + 1


# -- the list ----------------------------------------------------------------------------------------------------------


def test_every_hook_is_passed_on_with_plain_floats() -> None:
    seen: list[tuple[str, Any]] = []

    class Note(callbacks.Callback):
        pass

    for hook in HOOKS:
        setattr(Note, hook, lambda self, *args, hook=hook, logs=None: seen.append((hook, logs)))
    held = callbacks.CallbackList(Note())
    for hook in HOOKS:
        position = () if hook.split("_")[1] in ("train", "test", "predict") and "batch" not in hook else (0,)
        getattr(held, hook)(*position, logs={"loss": ops.convert_to_tensor(0.5)})
    assert [hook for hook, _ in seen] == list(HOOKS)
    assert all(type(logs["loss"]) is float for _, logs in seen)


def test_history_and_progress_are_added_once() -> None:
    model = Recorder()
    history = callbacks.History()
    held = callbacks.CallbackList(
        [history], add_history=True, add_progbar=True, model=model, verbose=0, epochs=1, steps=1
    )
    assert [type(c).__name__ for c in held.callbacks] == ["History", "ProgbarLogger"]
    assert model.history is history  # type: ignore[attr-defined]


def test_which_hooks_are_wanted() -> None:
    assert not callbacks.CallbackList([callbacks.History()]).wants("on_train_batch_end", "on_batch_end")
    assert callbacks.CallbackList([callbacks.TerminateOnNaN()]).wants("on_train_batch_end", "on_batch_end")
    quiet = callbacks.LambdaCallback(on_epoch_end=print)
    assert not callbacks.CallbackList([quiet]).wants("on_train_batch_end")
    assert callbacks.CallbackList([callbacks.LambdaCallback(on_train_batch_end=print)]).wants("on_train_batch_end")


def test_metrics_are_read_only_where_a_callback_looks() -> None:
    class Unread:
        """Stands for a tensor on a device."""

        shape = ()
        reads = 0

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            Unread.reads += 1
            return np.array(0.5)

    history = callbacks.CallbackList([callbacks.History()], add_progbar=True, verbose=2, epochs=1, steps=1)
    history.on_train_batch_end(0, {"loss": Unread()})
    assert Unread.reads == 0
    seen: list[Any] = []
    looking = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    callbacks.CallbackList([looking]).on_train_batch_end(0, {"loss": ops.convert_to_tensor(0.5)})
    assert seen == [0.5]


def test_logs_become_floats_in_the_order_of_names() -> None:
    logs = pythonify_logs({"z": np.float32(1.5), "inner": {"a": ops.convert_to_tensor(2)}, "text": "x"})
    assert logs == {"a": 2.0, "text": "x", "z": 1.5}
    assert list(pythonify_logs({"b": 1, "a": 2})) == ["a", "b"]


def test_history_collects() -> None:
    model, history = Recorder(), callbacks.History()
    run(history, model, [3.0, 2.0])
    assert history.history == {"val_loss": [3.0, 2.0]}
    assert history.epoch == [0, 1]


# -- monitoring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "arguments", "epochs"),
    [
        ([3.0, 2.0, 2.0, 2.0, 1.0], {}, 3),
        ([3.0, 2.0, 2.5, 2.5, 1.0], {"patience": 3}, 5),
        ([3.0, 2.0, 1.95, 1.9, 1.0], {"min_delta": 0.2, "patience": 2}, 4),
        ([3.0, 2.9, 2.8, 2.7, 2.6], {"baseline": 1.0, "patience": 2}, 5),
        ([1.0, 2.0, 3.0, 2.0, 1.0], {"mode": "max", "patience": 1}, 4),
        ([1.0, 2.0, 3.0, 4.0, 5.0], {"start_from_epoch": 3}, 5),
    ],
)
def test_early_stopping(values: list[float], arguments: dict[str, Any], epochs: int) -> None:
    assert run(callbacks.EarlyStopping(**arguments), Recorder(), values) == epochs


def test_early_stopping_restores_the_best_weights(capsys: pytest.CaptureFixture[str]) -> None:
    model = Recorder()
    callback = callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    assert run(callback, model, [3.0, 1.0, 2.0, 2.0, 0.0]) == 4
    assert model.weights[0].tolist() == [1.0]
    out = capsys.readouterr().out
    assert "Epoch 4: early stopping" in out
    assert "best epoch: 2." in out


def test_the_metric_says_which_way_is_better() -> None:
    assert run(callbacks.EarlyStopping("val_accuracy"), Recorder(), [0.5, 0.6, 0.55], "val_accuracy") == 3
    model = Recorder()
    model.metrics.append(metrics.Mean(name="size"))
    with pytest.raises(ValueError, match="mode='max' or mode='min'"):
        run(callbacks.EarlyStopping("size"), model, [1.0], "size")


def test_a_missing_metric_warns_and_names_the_others() -> None:
    with pytest.warns(UserWarning, match=r"'val_loss'.*loss"):
        run(callbacks.EarlyStopping(), Recorder(), [1.0], "loss")
    with pytest.warns(UserWarning, match="mode"):
        callbacks.EarlyStopping(mode="best")


def test_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Recorder()
    run(callbacks.ModelCheckpoint(tmp_path / "sub" / "m-{epoch:02d}-{val_loss:.1f}.keras"), model, [3.0, 4.0])
    assert model.saved == ["m-01-3.0.keras", "m-02-4.0.keras"]
    model = Recorder()
    run(callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True, verbose=1), model, [3.0, 4.0, 2.0])
    assert model.saved == ["1.keras", "3.keras"]
    out = capsys.readouterr().out
    assert "Epoch 1: val_loss improved from None to 3.00000, saving model to" in out
    assert "Epoch 2: val_loss did not improve from 3.00000" in out


def test_checkpoints_every_so_many_batches(tmp_path: Path) -> None:
    model = Recorder()
    path = tmp_path / "{epoch}_{batch}.weights.h5"
    run(callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=4), model, [1.0, 1.0], batches=3)
    # Six batches in two epochs: the fourth is the first of the second epoch.
    assert model.saved == ["2_1.weights.h5"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "m.txt"}, ".keras"),
        ({"filepath": "m.keras", "save_weights_only": True}, ".weights.h5"),
        ({"filepath": "m.keras", "save_freq": "batch"}, "save_freq"),
    ],
)
def test_checkpoint_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        callbacks.ModelCheckpoint(**arguments)


def test_checkpoint_errors_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "d.keras").mkdir()
    with pytest.raises(OSError, match="is a directory"):
        run(callbacks.ModelCheckpoint(tmp_path / "d.keras"), Recorder(), [1.0])
    with pytest.raises(KeyError, match="val_acc"):
        run(callbacks.ModelCheckpoint(tmp_path / "{val_acc}.keras"), Recorder(), [1.0])


# -- learning rates ----------------------------------------------------------------------------------------------------


def test_learning_rate_scheduler(capsys: pytest.CaptureFixture[str]) -> None:
    model = Recorder()
    history = callbacks.History()
    both = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    held = callbacks.CallbackList([both, history], model=model, epochs=2)
    held.on_train_begin()
    for epoch in range(2):
        held.on_epoch_begin(epoch)
        held.on_epoch_end(epoch, {"loss": 1.0})
    assert history.history["learning_rate"] == [0.5, 0.25]
    callbacks.CallbackList([both], add_progbar=True, model=model, verbose=2, epochs=1, steps=1).on_epoch_end(0)
    assert "learning_rate: 0.2500" in capsys.readouterr().out
    run(callbacks.LearningRateScheduler(lambda epoch: 0.125), model, [1.0])
    assert float(model.optimizer.learning_rate) == 0.125
    with pytest.raises(ValueError, match="float"):
        run(callbacks.LearningRateScheduler(lambda epoch: 1), model, [1.0])


def test_reduce_on_plateau(capsys: pytest.CaptureFixture[str]) -> None:
    model = Recorder()
    callback = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.2, verbose=1)
    run(callback, model, [1.0, 1.0, 1.0])
    assert float(model.optimizer.learning_rate) == 0.5
    run(callback, model, [1.0] * 12)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.2)
    assert "ReduceLROnPlateau reducing learning rate to 0.5" in capsys.readouterr().out
    with pytest.raises(ValueError, match="factor"):
        callbacks.ReduceLROnPlateau(factor=1.5)


# -- small ones --------------------------------------------------------------------------------------------------------


def test_terminate_on_nan() -> None:
    model = Recorder()
    assert run(callbacks.TerminateOnNaN(), model, [1.0, float("nan"), 1.0], batches=1) == 2
    with pytest.raises(RuntimeError, match="nan at batch 0"):
        run(callbacks.TerminateOnNaN(raise_error=True), Recorder(), [float("nan")], batches=1)


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    run(callbacks.CSVLogger(path), Recorder(), [1.0, 0.5], "loss")
    run(callbacks.CSVLogger(path, append=True), Recorder(), [0.25], "loss")
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["epoch", "loss", "val_loss"], ["0", "1.0", "NA"], ["1", "0.5", "NA"], ["0", "0.25", "NA"]]


def test_lambda() -> None:
    seen: list[Any] = []
    callback = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch), on_test_begin=lambda logs: seen.append("test"), tag=3
    )
    held = callbacks.CallbackList([callback])
    held.on_epoch_end(5, {})
    held.on_test_begin()
    assert seen == [5, "test"]
    assert callback.tag == 3  # type: ignore[attr-defined]


def test_averages_are_swapped_in_for_evaluation() -> None:
    model = Recorder()
    w = cornu.Variable([0.0], name="w")
    model.optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        model.optimizer.apply([ops.convert_to_tensor([-1.0])], [w])
    held = callbacks.CallbackList([callbacks.SwapEMAWeights()], model=model)
    held.on_test_begin()
    assert w.numpy().tolist() == [1.5]
    held.on_test_end()
    assert w.numpy().tolist() == [2.0]
    model.optimizer = optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="use_ema"):
        held.on_test_begin()


def test_backup_and_restore(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    model = Recorder()
    callback = callbacks.BackupAndRestore(folder)
    held = callbacks.CallbackList([callback], model=model)
    held.on_train_begin()
    held.on_epoch_end(0)
    held.on_epoch_end(1)
    # Interrupted here: another run finds the state after two epochs.
    again = Recorder()
    callbacks.CallbackList([callbacks.BackupAndRestore(folder)], model=again).on_train_begin()
    assert again._initial_epoch == 2  # type: ignore[attr-defined]
    assert again.weights[0].tolist() == [5]
    held.on_train_end()
    assert not folder.exists()
    with pytest.raises(ValueError, match="empty"):
        callbacks.BackupAndRestore("")


# -- the progress line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5000"),
        (123.456, "123.4560"),
        (0.001, "1.0000e-03"),
        (0.00012345, "1.2345e-04"),
        (-2.0, "-2.0000"),
        (0, "0.0000e+00"),
    ],
)
def test_metrics_as_keras_prints_them(value: float, text: str) -> None:
    assert format_metric(value) == text


def test_one_line_at_the_end_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(10, stateless_metrics=())
    for step in range(1, 11):
        bar.update(step, [("loss", 1.0 / step)], finalize=False)
    bar.update(10, [("loss", 0.25)], finalize=True)
    out = capsys.readouterr().out
    assert re.fullmatch(r"10/10 ━{20} \d+s \d+(us|ms|s)/step - loss: 0\.2500\n", out)


def test_verbose_2(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(3, verbose=2)
    bar.update(1, [("loss", 1.0)])
    bar.update(3, [("loss", 0.5), ("accuracy", 0.75)])
    assert re.fullmatch(
        r"3/3 - \d+s - \d+(us|ms|s)/step - loss: 0\.5000 - accuracy: 0\.7500\n", capsys.readouterr().out
    )


def test_nothing_is_printed_when_it_is_not_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(3, verbose=0)
    bar.update(3, [("loss", 1.0)])
    cornu.config.disable_interactive_logging()
    try:
        Progbar(3).update(3, [("loss", 1.0)])
    finally:
        cornu.config.enable_interactive_logging()
    assert capsys.readouterr().out == ""


def test_a_live_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    bar = Progbar(4, interval=0.0, stateless_metrics=())
    bar.update(2, [("loss", 0.5)])
    first = terminal.getvalue()
    assert first.startswith("\r\x1b[2K")
    assert "\n" not in first
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", first)
    assert re.search(r"2/4 ━{20} \d+s .*loss: 0\.5000", plain)
    bar.update(4, [("loss", 0.25)])
    assert terminal.getvalue().endswith("\n")


def test_values_are_averaged_over_steps() -> None:
    bar = Progbar(None, verbose=0)
    bar.update(2, [("loss", 1.0)])
    bar.update(3, [("loss", 4.0)])
    total, count = bar._values["loss"]
    assert total / count == pytest.approx(2.0)
    with pytest.raises(ValueError, match="not both"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_the_logger_shows_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    held = callbacks.CallbackList([], add_progbar=True, verbose=2, epochs=2, steps=None)
    held.on_train_begin()
    for epoch in range(2):
        held.on_epoch_begin(epoch)
        for batch in range(3):
            held.on_train_batch_end(batch, {"loss": 1.0})
        held.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert re.fullmatch(r"3/3 - \d+s - \S+/step - loss: 0.5000 - val_loss: 0.2500", lines[1])
    assert len(lines) == 4
