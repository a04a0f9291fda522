"""Taking a profile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from threading import Lock, get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.backend.contract import Backend, Buffer, CompileOptions, Executable, NodeEvent
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu.profiling import switch
from cornu.profiling.report import Report, make_report
from cornu.profiling.spans import Span

if TYPE_CHECKING:
    from cornu.tracing.compiled import CompiledProgram

_numbers = count(1)
_turning = Lock()


class Profile:
    """Notes what runs, on every thread, from its beginning to its end.

    Programs that run meanwhile are compiled once more, for executables that say what their nodes cost; the ordinary
    ones stay as they are. One profile can be taken at a time.

    Attributes:
        report: What was found; None until it has ended.
    """

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.report: Report | None = None
        self._spans: list[Span] = []
        self._executables: dict[tuple[CompiledProgram, int, str], tuple[Backend, Executable]] = {}
        self._profiled: list[ProfiledExecutable] = []
        self._lock = Lock()
        self._began = 0.0
        self._thread = 0

    # -- beginning and ending ------------------------------------------------------------------------------------

    def start(self) -> Profile:
        """Begins.

        Raises:
            RuntimeError: If a profile is being taken, or this one was.
        """
        with _turning:
            if switch.active is not None:
                raise RuntimeError("A profile is being taken already; there can be one at a time.")
            if self._began:
                raise RuntimeError("This profile was taken already; make a new one.")
            self._thread = get_ident()
            self._began = time.perf_counter()
            switch.active = self
        return self

    def restart(self) -> None:
        """Forgets what has happened so far, such as compilations; what was compiled stays."""
        self._spans.clear()
        self._began = time.perf_counter()

    def stop(self) -> Report:
        """Ends, and returns the report."""
        ended = time.perf_counter()
        self.abandon()
        if self.report is None:
            events = [executable.events() for executable in self._profiled]
            backends = [executable.backend for executable in self._profiled]
            self.report = make_report(self._spans, events, backends, (self._began, ended), self._thread)
            self._forget()
        return self.report

    def abandon(self) -> None:
        """Ends without a report."""
        with _turning:
            if switch.active is self:
                switch.active = None

    def _forget(self) -> None:
        # Not closed: another thread may be running one.
        self._spans, self._profiled = [], []
        self._executables = {}

    def __enter__(self) -> Profile:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- what the core tells -------------------------------------------------------------------------------------

    @contextmanager
    def span(self, kind: str, name: str) -> Iterator[None]:
        """Notes how long its block takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._spans.append(Span(kind, name, start, time.perf_counter(), get_ident()))

    def feed(self, backend: Backend, array: np.ndarray, device: str) -> Buffer:
        """`backend.from_numpy(array, device)`."""
        start = time.perf_counter()
        buffer = backend.from_numpy(array, device)
        self._spans.append(Span("feed", "", start, time.perf_counter(), get_ident(), array.nbytes))
        return buffer

    def read(self, backend: Backend, buffer: Buffer) -> np.ndarray:
        """`backend.to_numpy(buffer)`."""
        start = time.perf_counter()
        array = backend.to_numpy(buffer)
        self._spans.append(Span("read", "", start, time.perf_counter(), get_ident(), array.nbytes))
        return array

    def executable(self, compiled: CompiledProgram, backend: Backend, device: str) -> Executable:
        """The executable of a program for this profile."""
        key = (compiled, id(backend), device)
        with self._lock:
            if key not in self._executables:
                self._executables[key] = (backend, self.compile(compiled.program, backend, device))
            return self._executables[key][1]

    def compile(self, program: Program, backend: Backend, device: str) -> Executable:
        """Compiles a program so that its runs are noted."""
        with self.span("compile", program.name):
            made = backend.compile(prepare(program, backend, device), CompileOptions(device=device, profile=True))
        name = getattr(backend, "name", type(backend).__name__)
        profiled = ProfiledExecutable(made, program.name, name, len(self._profiled), self._spans)
        self._profiled.append(profiled)
        return profiled


class ProfiledExecutable:
    """An executable whose runs are noted.

    Args:
        executable: The backend's.
        name: The program's name.
        backend: The backend's name.
        source: Its number in the profile.
        spans: Where runs are noted.
    """

    def __init__(self, executable: Executable, name: str, backend: str, source: int, spans: list[Span]) -> None:
        self.backend = backend
        self._executable = executable
        self._name = name
        self._source = source
        self._spans = spans

    def __call__(self, inputs: Sequence[Buffer], donate: frozenset[int] = frozenset()) -> list[Buffer]:
        """Runs the program to its end."""
        start = time.perf_counter()
        try:
            results = self._executable(inputs, donate)
            self._executable.synchronize()
        finally:
            end = time.perf_counter()
            self._spans.append(Span("run", self._name, start, end, get_ident(), source=self._source))
        return results

    def events(self) -> list[NodeEvent] | None:
        """What its nodes cost; None if the backend does not tell."""
        tell: Any = getattr(self._executable, "profile", None)
        return None if tell is None else list(tell())

    def synchronize(self) -> None:
        """Returns when everything that was started has ended."""
        self._executable.synchronize()

    def close(self) -> None:
        """Frees what the executable holds."""
        self._executable.close()


def profile() -> Profile:
    """Takes a profile of what runs in its block, as a context manager.

    Returns:
        A `Profile`, whose `report` says after the block what every layer and operator cost.

    Raises:
        RuntimeError: When it begins, if a profile is being taken already.

    Example:
        >>> import cornu
        >>> with cornu.profile() as taken:
        ...     _ = cornu.ops.exp(cornu.ops.ones((3, 2)))
        >>> "Exp" in {row.operator for row in taken.report.rows}
        True
    """
    return Profile()
