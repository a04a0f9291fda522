"""What a profile found: seconds and bytes by layer, pass and operator, and those of the host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, NamedTuple

from cornu.backend.contract import NodeEvent
from cornu.ir.scope import layer_path, pass_of
from cornu.profiling.spans import Span, covered_seconds, own_seconds

PASSES = ("forward", "backward", "update", "metrics", "program")
"""Work inside compiled programs; "program" is that of a backend which does not tell its nodes apart."""

HOST = ("start", "feed", "read", "trace", "compile", "host")
"""Work around them."""

_OPERATORS = {"feed": "from_numpy", "read": "to_numpy"}


class Row(NamedTuple):
    """The cost of one operator in one layer and pass, or of one kind of host work.

    Args:
        layer: The layer's path; empty outside of layers.
        phase: One of "forward", "backward", "update", "metrics", "program"; or "start" (calling executables), "feed"
            and "read" (copies), "trace", "compile", "host" (everything else: Python).
        operator: The operator or composite; for host work the function or program.
        calls: How often it ran.
        seconds: How long it took in all.
        bytes: The sizes of its inputs and outputs in all.
    """

    layer: str
    phase: str
    operator: str
    calls: int
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Report:
    """The numbers of a profile.

    Args:
        seconds: All time: that of the profile, and of other threads that worked meanwhile.
        rows: The costs, the largest first; their seconds add up to `seconds`.
        runs: How often programs ran.
        notes: What a reader should know.
        spans: What the core did, for the trace.
        events: What the nodes did, for the trace.
        began: When the profile began.
    """

    seconds: float
    rows: tuple[Row, ...]
    runs: int
    notes: tuple[str, ...] = ()
    spans: tuple[Span, ...] = field(default=(), repr=False)
    events: tuple[NodeEvent, ...] = field(default=(), repr=False)
    began: float = 0.0

    def share(self, *phases: str, layer: str | None = None, operator: str | None = None) -> float:
        """The part of all time, from 0 to 1, that some work took.

        Args:
            phases: Which phases; all if none is named.
            layer: Only in this layer.
            operator: Only this operator.
        """
        found = sum(
            row.seconds
            for row in self.rows
            if (not phases or row.phase in phases) and layer in (None, row.layer) and operator in (None, row.operator)
        )
        return found / self.seconds if self.seconds else 0.0

    def phases(self) -> dict[str, Row]:
        """The sum of each phase, the longest first."""
        return {row.phase: row for row in summed(self.rows, lambda row: ("", row.phase, ""))}

    def as_dict(self) -> dict[str, Any]:
        """The numbers as JSON has them."""
        return {
            "seconds": self.seconds,
            "runs": self.runs,
            "notes": list(self.notes),
            "phases": {
                name: {"seconds": row.seconds, "share": self._part(row), "bytes": row.bytes}
                for name, row in self.phases().items()
            },
            "rows": [{**row._asdict(), "share": self._part(row)} for row in self.rows],
        }

    def _part(self, row: Row) -> float:
        return row.seconds / self.seconds if self.seconds else 0.0

    def table(self, top: int = 20) -> str:
        """The report as text: phases, layers and operators.

        Args:
            top: How many layers and operators to show.
        """
        from cornu.profiling.table import render

        return render(self, top)

    def __str__(self) -> str:
        return self.table()

    def save_trace(self, path: str | PathLike[str]) -> None:
        """Writes what happened when, for https://ui.perfetto.dev or chrome://tracing.

        Args:
            path: The file to write.
        """
        from cornu.profiling.trace_file import write_trace

        write_trace(self, path)


def summed(rows: Iterable[Row], key: Callable[[Row], tuple[str, str, str]]) -> list[Row]:
    """Rows put together that have the same layer, phase and operator after `key`; the longest first."""
    sums: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, 0.0, 0])
    for row in rows:
        total = sums[key(row)]
        total[0] += row.calls
        total[1] += row.seconds
        total[2] += row.bytes
    made = [Row(*names, *total) for names, total in sums.items()]
    return sorted(made, key=lambda row: -row.seconds)


def make_report(
    spans: Sequence[Span],
    events: Sequence[Sequence[NodeEvent] | None],
    backends: Sequence[str],
    bounds: tuple[float, float],
    thread: int,
) -> Report:
    """Puts together what was noted.

    Args:
        spans: What the core noted.
        events: What each executable noted; None from one that does not tell.
        backends: The name of each executable's backend.
        bounds: Beginning and end.
        thread: The thread that the profile is of.
    """
    began, ended = bounds
    inside = [span for span in spans if span.start >= began and span.end <= ended]
    told = [None if each is None else [event for event in each if event.start >= began] for each in events]
    ran = {span.source for span in inside if span.kind == "run"}
    rows = [*_host_rows(inside, told), *(row for each in told if each for row in _node_rows(each))]
    host = max(0.0, ended - began - covered_seconds(inside, thread))
    rows.append(Row("", "host", "Python", 1, host, 0))
    rows = summed(rows, lambda row: row[:3])
    silent = sorted({backends[i] for i in ran if told[i] is None})
    notes = [f"The backend {name} does not say what its nodes cost: its programs are shown whole." for name in silent]
    return Report(
        sum(row.seconds for row in rows),
        tuple(rows),
        sum(span.kind == "run" for span in inside),
        tuple(notes),
        tuple(inside),
        tuple(event for each in told if each for event in each),
        began,
    )


def _node_rows(events: Sequence[NodeEvent]) -> list[Row]:
    own = own_seconds(events, lambda event: (event.start, event.start + event.duration), lambda event: event.thread)
    return [
        Row(layer_path(event.scope), pass_of(event.scope), event.op, 1, seconds, event.bytes)
        for event, seconds in zip(events, own, strict=True)
    ]


def _host_rows(spans: Sequence[Span], told: Sequence[Sequence[NodeEvent] | None]) -> list[Row]:
    own = own_seconds(spans, lambda span: (span.start, span.end), lambda span: span.thread)
    rows: list[Row] = []
    running: dict[int, tuple[str, int, float]] = {}
    for span, seconds in zip(spans, own, strict=True):
        if span.kind == "run":
            _, calls, before = running.get(span.source, ("", 0, 0.0))
            running[span.source] = (span.name, calls + 1, before + seconds)
        else:
            rows.append(Row("", span.kind, _OPERATORS.get(span.kind, span.name), 1, seconds, span.bytes))
    for source, (name, calls, seconds) in running.items():
        events = told[source]
        if events is None:
            rows.append(Row("", "program", name, calls, seconds, 0))
        else:
            within = sum(row.seconds for row in _node_rows(events))
            rows.append(Row("", "start", name, calls, max(0.0, seconds - within), 0))
    return rows
