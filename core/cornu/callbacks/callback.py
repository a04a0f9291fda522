"""What every callback is: methods that training calls at its turning points."""

from __future__ import annotations

from typing import Any

Logs = dict[str, Any] | None


class Callback:
    """Base of the callbacks: a subclass overrides what it needs.

    `self.model` is the model; `self.params` holds "verbose", "epochs" and "steps".

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"Epoch {epoch} is over!")
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes "verbose", "epochs" and "steps"."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Takes the model."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model."""
        return self._model

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_begin`, which calls it."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_end`, which calls it."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch of `fit`.

        Args:
            epoch: Its number, from 0.
            logs: Nothing so far.
        """

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch of `fit`.

        Args:
            epoch: Its number, from 0.
            logs: Metrics, those of validation as "val_...".
        """

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a training step.

        Args:
            batch: Its number in the epoch, from 0.
            logs: Nothing so far.
        """
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a training step.

        Args:
            batch: Its number in the epoch, from 0.
            logs: Metrics over the epoch so far.
        """
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before an evaluation step, of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After an evaluation step; `logs` holds metrics so far."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a step of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a step of `predict`; `logs` holds "outputs"."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """At the start of `fit`."""

    def on_train_end(self, logs: Logs = None) -> None:
        """At the end of `fit`; `logs` are those of the last epoch."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """At the start of `evaluate` or of validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """At the end of `evaluate` or of validation; `logs` holds the metrics."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """At the start of `predict`."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """At the end of `predict`."""


HOOKS = (
    "on_batch_begin", "on_batch_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end",
    "on_test_batch_begin", "on_test_batch_end", "on_predict_batch_begin", "on_predict_batch_end", "on_train_begin",
    "on_train_end", "on_test_begin", "on_test_end", "on_predict_begin", "on_predict_end",
)  # fmt: skip


def overrides(callback: Any, *hooks: str) -> bool:
    """Whether a callback does anything at one of these hooks."""
    return any(
        getattr(type(callback), hook, None) is not getattr(Callback, hook) or hook in vars(callback) for hook in hooks
    )
