"""Going on after an interruption."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from cornu.callbacks.callback import Callback, Logs


class BackupAndRestore(Callback):
    """Keeps a copy of the training's state, from which the next `fit` goes on after an interruption.

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
        self._metadata = Path(backup_dir) / "training_metadata.json"
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
            shutil.copy(_second(self._weights), self._weights)
            if _second(self._metadata).exists():
                shutil.copy(_second(self._metadata), self._metadata)
            self._restore(model)

    def _restore(self, model: Any) -> None:
        if self._weights.exists():
            if model.optimizer is not None and not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(str(self._weights))
        if self._metadata.exists():
            model._initial_epoch = json.loads(self._metadata.read_text())["epoch"]

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
        for path in (self._weights, self._metadata):
            if self.double_checkpoint and path.exists():
                shutil.copy(path, _second(path))
        self.model.save_weights(str(self._weights), overwrite=True)
        self._metadata.write_text(json.dumps({"epoch": self._epoch, "batch": self._last_batch}))

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint and Path(self.backup_dir).exists():
            shutil.rmtree(self.backup_dir)


def _second(path: Path) -> Path:
    return path.with_name(path.name + ".bkp")
