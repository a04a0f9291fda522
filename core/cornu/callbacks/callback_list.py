"""Several callbacks as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cornu import tree
from cornu.callbacks.backup import BackupAndRestore
from cornu.callbacks.callback import Callback, Logs, overrides
from cornu.callbacks.history import History
from cornu.callbacks.logs import pythonify_logs
from cornu.callbacks.progbar_logger import ProgbarLogger

# What a hook calls in turn, unless it is overridden.
_ALSO = {"on_train_batch_begin": ("on_batch_begin",), "on_train_batch_end": ("on_batch_end",)}


class CallbackList(Callback):
    """Passes each call on to all callbacks, with metrics as Python floats.

    Args:
        callbacks: Callbacks, in any nesting, or None.
        add_history: Whether to add a `History` if there is none.
        add_progbar: Whether to add a `ProgbarLogger` if there is none.
        model: The model.
        **params: What callbacks see as `params`.

    Example:
        >>> callbacks = CallbackList([Callback()], add_history=True)
        >>> len(callbacks.callbacks)
        2
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = [] if callbacks is None else [c for c in tree.flatten(callbacks) if c is not None]
        self._history = next((c for c in self.callbacks if isinstance(c, History)), None)
        self._progbar = next((c for c in self.callbacks if isinstance(c, ProgbarLogger)), None)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        if self._progbar is None and add_progbar:
            self._progbar = ProgbarLogger()
            self.callbacks.append(self._progbar)
        self.set_model(model)
        self.set_params(params)

    def append(self, callback: Any) -> None:
        """Adds a callback."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)
            if isinstance(callback, BackupAndRestore):
                callback.companions = self.callbacks

    def wants(self, *hooks: str) -> bool:
        """Whether any callback does something at one of these hooks: where none does, metrics need not be read."""
        return any(overrides(callback, *hooks) for callback in self.callbacks)

    @contextmanager
    def abandoned_on_failure(self) -> Iterator[None]:
        """Calls `abandon` of the callbacks that have one when the block fails: they may hold what must be let go."""
        try:
            yield
        except BaseException:
            for callback in self.callbacks:
                if hasattr(callback, "abandon"):
                    callback.abandon()
            raise

    def _pass(self, hook: str, *position: int, logs: Logs) -> None:
        """Calls a hook; metrics are read from the device only where a callback looks at them."""
        plain: dict[str, Any] | None = None
        # A backup comes after the others: it holds what they have learnt from the epoch.
        for callback in sorted(self.callbacks, key=lambda callback: isinstance(callback, BackupAndRestore)):
            if not overrides(callback, hook, *_ALSO.get(hook, ())):
                continue
            # At the end of an epoch callbacks add to the metrics, for those after them to see.
            if "batch" in hook and getattr(callback, "takes_tensors", False):
                getattr(callback, hook)(*position, logs=logs)
                continue
            plain = pythonify_logs(logs) if plain is None else plain
            getattr(callback, hook)(*position, logs=plain)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_batch_begin", batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_batch_end", batch, logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._pass("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._pass("on_epoch_end", epoch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_train_batch_begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_train_batch_end", batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_test_batch_begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_test_batch_end", batch, logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_predict_batch_begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._pass("on_predict_batch_end", batch, logs=logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._pass("on_train_begin", logs=logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._pass("on_train_end", logs=logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._pass("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._pass("on_test_end", logs=logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._pass("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._pass("on_predict_end", logs=logs)
