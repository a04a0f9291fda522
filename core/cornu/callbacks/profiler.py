"""A profile of some batches of `fit`."""

from __future__ import annotations

import warnings
from os import PathLike
from typing import TYPE_CHECKING

from cornu.callbacks.callback import Callback, Logs
from cornu.utils.io_utils import print_msg

if TYPE_CHECKING:
    from cornu.profiling import Profile, Report


class Profiler(Callback):
    """Shows what layers and operators cost in some batches of `fit`.

    The batch before the first one compiles what the profile needs, and does not count.

    Args:
        batches: The first batch and the one after the last, counted from 0 over all epochs; steps of
            `steps_per_execution` batches count as one.
        trace: A file for the timeline, which https://ui.perfetto.dev opens.
        top: How many layers and operators the table shows.
        verbose: Whether to print the table.

    Attributes:
        report: The numbers, once the last batch is over: a `cornu.profiling.Report`.

    Raises:
        ValueError: If the batches are no range.

    Example:
        >>> Profiler(batches=(10, 20), trace="profile.json").batches
        (10, 20)
    """

    takes_tensors = True  # metrics stay on the device: reading them would be part of the profile

    def __init__(
        self,
        batches: tuple[int, int] = (2, 12),
        trace: str | PathLike[str] | None = None,
        top: int = 20,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        first, end = batches
        if not 0 <= first < end:
            raise ValueError(f"Profiler: `batches` must be (first, end) with 0 <= first < end, got {batches!r}.")
        self.batches = (first, end)
        self.trace = trace
        self.top = top
        self.verbose = verbose
        self.report: Report | None = None
        self._profile: Profile | None = None
        self._count = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.abandon()
        self.report = None
        self._count = 0

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        first = self.batches[0]
        if self._count == max(first - 1, 0):
            from cornu.profiling import profile

            self._profile = profile().start()
        if self._count == first and self._profile is not None:
            self._profile.restart()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._count += 1
        if self._count == self.batches[1]:
            self._finish()

    def on_train_end(self, logs: Logs = None) -> None:
        if self._count <= self.batches[0]:
            self.abandon()
            warnings.warn(
                f"Profiler: training ended after {self._count} batches, before batch {self.batches[0]}: no profile.",
                stacklevel=2,
            )
        else:
            self._finish()

    def abandon(self) -> None:
        """Ends a profile that is being taken, without a report; for training that failed."""
        if self._profile is not None:
            self._profile.abandon()
            self._profile = None

    def _finish(self) -> None:
        if self._profile is None:
            return
        self.report, self._profile = self._profile.stop(), None
        if self.verbose:
            print_msg(f"\n{self.report.table(self.top)}")
        if self.trace is not None:
            self.report.save_trace(self.trace)
