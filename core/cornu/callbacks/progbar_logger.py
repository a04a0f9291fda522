"""Progress on standard output."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback, Logs
from cornu.utils.io_utils import print_msg
from cornu.utils.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows a progress line per epoch; `fit` adds one unless `verbose=0`.

    Example:
        >>> logger = ProgbarLogger()
        >>> logger.set_params({"verbose": 0, "epochs": 1, "steps": 2})
        >>> logger.verbose
        0
    """

    # Most steps are not shown: their metrics need not be read from the device.
    takes_tensors = True

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.epochs = params["epochs"]
        self.target = params["steps"]

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._start()
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._show(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._start()

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._in_fit:
            self._show(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start()

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._show(batch, None)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def _start(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, unit_name="step", stateless_metrics=())

    def _show(self, batch: int, logs: Logs) -> None:
        self.seen = batch + 1
        if self.progbar is None:
            self._start()
        if self.verbose == 1 and self.progbar is not None:
            self.progbar.update(batch + 1, sorted((logs or {}).items()), finalize=False)

    def _finish(self, logs: Logs) -> None:
        if self.progbar is None:
            self._start()
        assert self.progbar is not None
        if self.target is None:
            self.target = self.seen
            self.progbar.target = self.seen
        self.progbar.update(self.target, list((logs or {}).items()), finalize=True)
