"""What happened: metrics per epoch."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback, Logs


class History(Callback):
    """Notes the metrics of every epoch; `fit` adds one and returns it.

    `history` maps each metric's name to its values, `epoch` lists the epochs' numbers.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self._model is not None:
            self._model.history = self
