"""Saving the model while it trains."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import Logs
from cornu.callbacks.monitor import MonitorCallback
from cornu.utils.io_utils import print_msg


class ModelCheckpoint(MonitorCallback):
    """Saves the model or its weights at the end of epochs, or every so many batches.

    Args:
        filepath: The file, ending in ".keras" or ".h5", or in ".weights.h5" for weights; it may hold "{epoch}",
            "{batch}" and names of metrics, such as "{val_loss:.2f}".
        monitor: The metric's name in the logs.
        verbose: 1 prints what is done.
        save_best_only: Whether only an improvement is saved.
        save_weights_only: Whether weights are saved, not the model.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: The value to beat at first.

    Raises:
        ValueError: If `save_freq` or the file's ending is not as described.

    Example:
        >>> ModelCheckpoint("best.keras", save_best_only=True).save_freq
        'epoch'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._current_epoch = 0
        self._unsaved_batches = 0
        self._last_batch: int | None = None
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"ModelCheckpoint: `save_freq` must be 'epoch' or an integer, got {save_freq!r}.")
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            what = "with `save_weights_only=True` `filepath`" if save_weights_only else "`filepath`"
            raise ValueError(f"ModelCheckpoint: {what} must end in {' or '.join(endings)}, got {self.filepath!r}.")

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._due(batch):
            self._save_model(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs)

    def _due(self, batch: int) -> bool:
        if not isinstance(self.save_freq, int):
            return False
        new_epoch = self._last_batch is None or batch <= self._last_batch
        self._unsaved_batches += batch + 1 if new_epoch else batch - (self._last_batch or 0)
        self._last_batch = batch
        if self._unsaved_batches < self.save_freq:
            return False
        self._unsaved_batches = 0
        return True

    def _save_model(self, epoch: int, batch: int | None, logs: Logs) -> None:
        logs = logs or {}
        filepath = self._get_file_path(epoch, batch, logs)
        if not self._should_save_model(epoch, logs, filepath):
            return
        if Path(filepath).is_dir():
            raise OSError(f"ModelCheckpoint: `filepath` must name a file, but {filepath!r} is a directory.")
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(filepath, overwrite=True)
        else:
            self.model.save(filepath, overwrite=True)
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: finished saving model to {filepath}")

    def _should_save_model(self, epoch: int, logs: dict[str, Any], filepath: str) -> bool:
        if not self.save_best_only:
            self._say(f"\nEpoch {epoch + 1}: saving model to {filepath}")
            return True
        current = logs.get(self.monitor)
        if current is None:
            self._missing("Saving the best model only", logs)
            return True
        if np.ndim(current) > 0:
            warnings.warn(
                f"ModelCheckpoint: {self.monitor!r} is not a number but {current}; the model is saved each time.",
                stacklevel=3,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}")
            return False
        self._say(
            f"\nEpoch {epoch + 1}: {self.monitor} improved from {best} to {current:.5f}, saving model to {filepath}"
        )
        self.best = current
        return True

    def _say(self, message: str) -> None:
        if self.verbose > 0:
            print_msg(message)

    def _get_file_path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        """The file's name with numbers and metrics filled in.

        Raises:
            KeyError: If it names a metric that there is not.
        """
        numbers = {"epoch": epoch + 1} if batch is None or "batch" in logs else {"epoch": epoch + 1, "batch": batch + 1}
        try:
            return self.filepath.format(**{**logs, **numbers})
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: `filepath` {self.filepath!r} names {error}, which is not among: "
                f"{', '.join([*numbers, *logs])}."
            ) from error
