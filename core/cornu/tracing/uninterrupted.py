"""Keeping Ctrl-C out of what must be done wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable
from signal import SIGINT, getsignal, signal
from threading import current_thread, main_thread
from types import FrameType, TracebackType
from typing import Any


class Uninterrupted:
    """Within it SIGINT waits: its handler runs when the block has ended.

    Only Python's main thread gets signals, so that there is nothing to do in others.

    Example:
        >>> with Uninterrupted():
        ...     pass
    """

    __slots__ = ("_before", "_noted")

    def __enter__(self) -> None:
        self._noted: tuple[int, FrameType | None] | None = None
        self._before: Callable[..., Any] | None = None
        if current_thread() is main_thread():
            before = getsignal(SIGINT)
            if callable(before):  # neither ignored nor left to the system
                self._before = before
                signal(SIGINT, self._note)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal(SIGINT, self._before)
            if self._noted is not None:
                self._before(*self._noted)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = number, frame
