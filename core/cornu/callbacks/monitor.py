"""Callbacks that follow a metric and know which way is better."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback


class MonitorCallback(Callback):
    """Base of callbacks that compare a metric with its best value.

    Args:
        monitor: The metric's name in the logs.
        mode: "min", "max", or "auto": by the metric itself; a loss is to become smaller.
        baseline: The value to beat at first, or None.
        min_delta: By how much a value must be better to count as better.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: `mode` must be 'auto', 'min' or 'max', got {mode!r}; 'auto' is used.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best: Any = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Settles the direction.

        Raises:
            ValueError: If the metric does not tell and `mode` is "auto".
        """
        direction = {"min": "down", "max": "up"}.get(self.mode) or self._direction()
        if direction is None:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether {self.monitor!r} should become larger or smaller. "
                "Pass mode='max' or mode='min'."
            )
        self.monitor_op = np.less if direction == "down" else np.greater
        self.min_delta = -abs(self.min_delta) if direction == "down" else abs(self.min_delta)

    # What `BackupAndRestore` keeps of the callback, so that it goes on with the best value after an interruption.
    _kept: tuple[str, ...] = ("best",)

    def get_state(self) -> dict[str, Any]:
        """What the callback must know to go on after an interruption: numbers, and lists of arrays."""
        return {name: getattr(self, name) for name in self._kept}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes back `get_state`'s result."""
        for name in self._kept:
            if name in state:
                setattr(self, name, state[name])

    def _direction(self) -> str | None:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "down"
        for metric in _flat(getattr(self.model, "metrics", ())):
            # A metric of one output of several is logged with the output's name before its own.
            if metric.name == name or name.endswith(f"_{metric.name}"):
                found = getattr(metric, "_direction", None)
                if found is not None:
                    return "up" if found == "up" else "down"
        return None

    def _is_improvement(self, monitor_value: Any, reference_value: Any) -> bool:
        if reference_value is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        assert self.monitor_op is not None
        return bool(self.monitor_op(monitor_value - self.min_delta, reference_value))

    def _missing(self, what: str, logs: dict[str, Any]) -> None:
        warnings.warn(
            f"{what} depends on {self.monitor!r}, which is not among the metrics: {', '.join(logs)}.", stacklevel=3
        )


def _flat(metrics: Any) -> Iterator[Any]:
    for metric in metrics:
        yield metric
        inner = getattr(metric, "metrics", None)
        if inner is not None:
            yield from _flat(inner)
