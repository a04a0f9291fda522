"""Small callbacks: functions as callbacks, stopping at NaN, a CSV file, weight averages."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import HOOKS, Callback, Logs
from cornu.utils.io_utils import print_msg


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: A function `(epoch, logs)`.
        on_epoch_end: A function `(epoch, logs)`.
        on_train_begin: A function `(logs)`.
        on_train_end: A function `(logs)`.
        on_train_batch_begin: A function `(batch, logs)`.
        on_train_batch_end: A function `(batch, logs)`.
        **kwargs: Functions for the other hooks of `Callback`, and further attributes.

    Example:
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))
        >>> callback.on_epoch_end(3, {})
        3
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        named = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, value in {**named, **kwargs}.items():
            if value is not None or name not in HOOKS:
                setattr(self, name, value)


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite.

    Args:
        raise_error: Whether to raise instead.

    Raises:
        RuntimeError: In training, if `raise_error`.

    Example:
        >>> TerminateOnNaN().raise_error
        False
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"The loss is {loss} at batch {batch}: training ends.")
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


class CSVLogger(Callback):
    """Writes a line per epoch to a file: the epoch's number and all metrics, by name.

    Args:
        filename: The file.
        separator: What stands between values.
        append: Whether to go on with an existing file.

    Example:
        >>> CSVLogger("log.csv", append=True).append
        True
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._header = True

    def on_train_begin(self, logs: Logs = None) -> None:
        path = Path(self.filename)
        self.keys = None
        self._header = not (self.append and path.exists() and path.stat().st_size > 0)
        if not self.append:
            path.write_text("")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if self.keys and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        row = {"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys}}
        with Path(self.filename).open("a", newline="") as file:
            writer = csv.DictWriter(file, ["epoch", *self.keys], delimiter=self.sep)
            if self._header:
                writer.writeheader()
                self._header = False
            writer.writerow(row)


def _cell(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable) or np.ndim(value) == 0:  # type: ignore[arg-type]
        return value
    return f'"[{", ".join(map(str, value))}]"'


class SwapEMAWeights(Callback):
    """Evaluates with the moving averages of the weights that an optimizer with `use_ema=True` keeps.

    Args:
        swap_on_epoch: Whether the averages are in the model between epochs, too: for checkpoints.

    Raises:
        ValueError: In training, if the optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _pairs(self) -> list[tuple[Any, Any]]:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        averages = getattr(optimizer, "_model_variables_moving_average", None)
        if averages is None:
            raise ValueError("SwapEMAWeights: the optimizer keeps no averages; make it with `use_ema=True`.")
        return [(v, a) for v, a in zip(optimizer._trainable_variables, averages, strict=True) if a is not None]

    def _swap(self, wanted: bool) -> None:
        if self._swapped is wanted:
            return
        for variable, average in self._pairs():
            held = variable.numpy()
            variable.assign(average.value)
            average.assign(held)
        self._swapped = wanted

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch:
            return
        self._swap(True)
        if epoch == (self.params or {}).get("epochs", 0) - 1:
            for variable, average in self._pairs():
                average.assign(variable.value)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap(False)
