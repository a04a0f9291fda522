"""Going on after an interruption."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, Logs
from cornu.callbacks.monitor import MonitorCallback
from cornu.saving.atomic import atomic_file


class BackupAndRestore(Callback):
    """Keeps a copy of the training's state, from which the next `fit` goes on after an interruption.

    It holds the weights, the optimizer's state, the epoch, and what callbacks that follow a metric have seen so far:
    the best value, and how long ago it was. Files are replaced whole, so that an interruption leaves the old copy.

    Args:
        backup_dir: The folder.
        save_freq: "epoch", or a number of batches.
        double_checkpoint: Whether the copy before the last is kept, too.
        delete_checkpoint: Whether the copy is deleted when training ends.

    Raises:
        ValueError: If an argument is not as described, or the model is not built when training starts.

    Example:
        >>> BackupAndRestore("backup").save_freq
        'epoch'
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("BackupAndRestore: `backup_dir` is empty.")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"BackupAndRestore: `save_freq` must be 'epoch' or an integer, got {save_freq!r}.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._weights = Path(backup_dir) / "latest.weights.h5"
        self._arrays = Path(backup_dir) / "callbacks.npz"
        self._metadata = Path(backup_dir) / "training_metadata.json"
        self.companions: list[Callback] = []
        self._to_restore: dict[str, Any] | None = None
        self._epoch = 0
        self._last_batch = 0
        self._unsaved_batches = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        model = self.model
        if not model.built:
            raise ValueError(
                f"BackupAndRestore: the model {model.name} must be built before `fit`: call it on a batch."
            )
        try:
            self._restore(model)
        except OSError:
            if not _second(self._weights).exists():
                raise
            for path in (self._weights, self._arrays, self._metadata):
                if _second(path).exists():
                    shutil.copy(_second(path), path)
            self._restore(model)

    def _restore(self, model: Any) -> None:
        if self._weights.exists():
            if model.optimizer is not None and not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(str(self._weights))
        if self._metadata.exists():
            metadata = json.loads(self._metadata.read_text())
            model._initial_epoch = self._epoch = metadata["epoch"]
            self._to_restore = _with_arrays(metadata.get("callbacks", {}), self._arrays)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        # Only now: at the start of training the others forget what they knew.
        if self._to_restore is not None:
            for name, callback in self._followers().items():
                if name in self._to_restore:
                    callback.set_state(self._to_restore[name])
            self._to_restore = None

    def _followers(self) -> dict[str, MonitorCallback]:
        """The callbacks that follow a metric, by class and place among those of their class."""
        counts: Counter[str] = Counter()
        found = {}
        for callback in self.companions:
            if isinstance(callback, MonitorCallback):
                kind = type(callback).__name__
                found[f"{kind}_{counts[kind]}"] = callback
                counts[kind] += 1
        return found

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch + 1
        self._last_batch = 0
        if self.save_freq == "epoch":
            self._save()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not isinstance(self.save_freq, int):
            return
        self._unsaved_batches += batch + 1 if batch <= self._last_batch else batch - self._last_batch
        self._last_batch = batch
        if self._unsaved_batches >= self.save_freq:
            self._unsaved_batches = 0
            self._save()

    def _save(self) -> None:
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        for path in (self._weights, self._arrays, self._metadata):
            if self.double_checkpoint and path.exists():
                shutil.copy(path, _second(path))
        self.model.save_weights(str(self._weights), overwrite=True)
        arrays: dict[str, np.ndarray] = {}
        states = {
            name: _without_arrays(callback.get_state(), name, arrays) for name, callback in self._followers().items()
        }
        if arrays:
            with atomic_file(self._arrays) as file:
                np.savez(file, allow_pickle=False, **arrays)
        metadata = {"epoch": self._epoch, "batch": self._last_batch, "callbacks": states}
        with atomic_file(self._metadata) as file:
            file.write(json.dumps(metadata).encode())

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint and Path(self.backup_dir).exists():
            shutil.rmtree(self.backup_dir)


def _without_arrays(state: dict[str, Any], name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """A callback's state for JSON; lists of arrays go to `arrays` and leave their length."""
    kept: dict[str, Any] = {}
    for key, value in state.items():
        if isinstance(value, list):
            arrays.update({f"{name}/{key}/{i}": np.asarray(item) for i, item in enumerate(value)})
            kept[key] = {"arrays": len(value)}
        else:
            kept[key] = (
                value if value is None else float(value) if isinstance(value, (float, np.floating)) else int(value)
            )
    return kept


def _with_arrays(states: dict[str, Any], path: Path) -> dict[str, Any]:
    """The callbacks' states as they were."""
    restored: dict[str, Any] = {name: dict(state) for name, state in states.items()}
    for name, state in restored.items():
        for key, value in state.items():
            if isinstance(value, dict):
                with np.load(path, allow_pickle=False) as held:
                    state[key] = [held[f"{name}/{key}/{i}"] for i in range(value["arrays"])]
    return restored


def _second(path: Path) -> Path:
    return path.with_name(path.name + ".bkp")
