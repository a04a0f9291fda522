"""The progress line of training: live on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.utils.io_utils import is_interactive_logging_enabled, print_msg

if TYPE_CHECKING:
    from rich.console import Console


class Progbar:
    """A bar with counts, times and metrics.

    Args:
        target: How many steps there are, or None where that is not known.
        width: The bar's width in characters.
        verbose: 0 prints nothing, 1 a live line on a terminal (and its last state elsewhere), 2 one line at the end.
        interval: The least time between two refreshes, in seconds.
        stateful_metrics: Names of metrics that are shown as they come; others are averaged over steps.
        stateless_metrics: Names of metrics that are averaged over steps; others are shown as they come.
        unit_name: What a step is called.

    Raises:
        ValueError: If both kinds of metrics are given.

    Example:
        >>> bar = Progbar(2, verbose=2)
        >>> bar.update(1, [("loss", 2.0)])
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give either `stateful_metrics` or `stateless_metrics`, not both.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._values: dict[str, tuple[Any, float]] = {}
        self._seen = 0
        self._start = time.time()
        self._after_first: float | None = None
        self._last_update = 0.0
        self._line = _Line()

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Shows where things stand.

        Args:
            current: How many steps are done.
            values: Names and values of metrics.
            finalize: Whether this is the end; None: whether the target is reached.
        """
        now = time.time()
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, current, finalize)
        self._seen = current
        per_step = self._per_step(current, now)
        if self.verbose == 1 and (finalize or (self._line.live and now - self._last_update >= self.interval)):
            self._line.show(self._bar(current), self._info(current, now, per_step, finalize), finalize)
            self._last_update = now
        elif self.verbose == 2 and finalize:
            print_msg(f"{self._count(current)} -{self._info(current, now, per_step, True, dash=' -')}")

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """`update` with n more steps done."""
        self.update(self._seen + n, values)

    def _take(self, name: str, value: Any, current: int, finalize: bool) -> None:
        averaged = (
            name not in self.stateful_metrics
            if self.stateful_metrics is not None
            else name in (self.stateless_metrics or ())
        )
        if not averaged or finalize:
            self._values[name] = (value, 1)
            return
        weight = max(current - self._seen, 1)
        total, count = self._values.get(name, (0.0, 0.0))
        self._values[name] = (total + _number(value) * weight, count + weight)

    def _per_step(self, current: int, now: float) -> float:
        """Seconds per step; the first one, which compiles, is left out where there are others."""
        if not current:
            return 0.0
        if self._after_first is not None and current > 1:
            return (now - self._after_first) / (current - 1)
        if current == 1:
            self._after_first = now
        return (now - self._start) / current

    def _count(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _bar(self, current: int) -> tuple[str, str, str]:
        """Count, the done part of the bar and the rest."""
        if not self.target:
            return self._count(current), "", ""
        done = min(self.width, int(self.width * current / self.target))
        return self._count(current), "━" * done, "━" * (self.width - done)

    def _info(self, current: int, now: float, per_step: float, finalize: bool, dash: str = "") -> str:
        left = per_step * (self.target - current) if self.target and not finalize else None
        clock = f"{now - self._start:.0f}s" if left is None else _duration(left)
        return f" {clock}{dash}{_pace(per_step, self.unit_name)}" + "".join(
            f" - {name}: {format_metric(_number(total) / max(1, count))}"
            for name, (total, count) in self._values.items()
        )


def format_metric(value: float) -> str:
    """A metric as Keras prints it: four decimals, or four of the mantissa where it is small.

    Example:
        >>> format_metric(0.12345), format_metric(0.00012345)
        ('0.1235', '1.2345e-04')
    """
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _number(value: Any) -> float:
    return float(np.mean(np.asarray(value)))


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _pace(seconds: float, unit: str) -> str:
    if seconds >= 1 or seconds == 0:
        return f" {seconds:.0f}s/{unit}"
    return f" {seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f" {seconds * 1e6:.0f}us/{unit}"


class _Line:
    """Where the line goes: rewritten in place on a terminal or in a notebook, printed once elsewhere."""

    def __init__(self) -> None:
        notebook = "ipykernel" in sys.modules
        terminal = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
        self.live = is_interactive_logging_enabled() and (terminal or notebook)
        self._console: Console | None = None
        if self.live and not notebook:
            from rich.console import Console

            self._console = Console(file=sys.stdout, highlight=False)
        self._width = 0

    def show(self, bar: tuple[str, str, str], info: str, finalize: bool) -> None:
        """Writes the line; the last state ends it."""
        if self._console is not None:
            self._show_styled(self._console, bar, info, finalize)
            return
        text = f"{bar[0]} {bar[1]}{bar[2]}{info}"
        padding = " " * max(0, self._width - len(text))
        self._width = len(text)
        print_msg(f"\r{text}{padding}" if self.live else text, line_break=finalize)

    def _show_styled(self, console: Console, bar: tuple[str, str, str], info: str, finalize: bool) -> None:
        from rich.text import Text

        text = Text.assemble((bar[0], "bold"), " ", (bar[1], "green"), (bar[2], "bright_black"), info)
        if not finalize:
            text.truncate(max(1, console.width - 1), overflow="ellipsis")
        sys.stdout.write("\r\x1b[2K")
        console.print(text, end="\n" if finalize else "", soft_wrap=True)
        sys.stdout.flush()
