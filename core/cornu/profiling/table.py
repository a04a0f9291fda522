"""A profile as tables that a person can read."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cornu.profiling.report import PASSES, Row, summed

if TYPE_CHECKING:
    from cornu.profiling.report import Report

_NARROWEST = 110

_MEANING = {
    "forward": "forward",
    "backward": "backward",
    "update": "update (optimizer)",
    "metrics": "metrics",
    "program": "programs, whole",
    "start": "starting programs",
    "feed": "feeding inputs (from_numpy)",
    "read": "reading results (to_numpy)",
    "trace": "tracing",
    "compile": "compiling",
    "host": "host (Python)",
}


def render(report: Report, top: int) -> str:
    """The tables of a report as text."""
    text = io.StringIO()
    width = max(shutil.get_terminal_size((_NARROWEST, 24)).columns, _NARROWEST)
    console = Console(file=text, width=width, highlight=False, color_system=None)
    console.print(f"Profile of {_milliseconds(report.seconds)} ms, {report.runs} runs of programs", markup=False)
    console.print(_phases(report))
    inside = [row for row in report.rows if row.phase in PASSES]
    if inside:
        console.print(_costs("Layer", report, inside, top, lambda row: row.layer or _no_layer(row)))
        console.print(_costs("Operator", report, inside, top, lambda row: row.operator))
    for note in report.notes:
        console.print(f"Note: {note}", markup=False, soft_wrap=True)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _no_layer(row: Row) -> str:
    return {"metrics": "(metrics)", "update": "(optimizer)"}.get(row.phase, "(no layer)")


def _phases(report: Report) -> Table:
    table = _table("Phase", "Time ms", "Share", "Bytes")
    for name, row in report.phases().items():
        table.add_row(_MEANING[name], _milliseconds(row.seconds), _percent(report, row.seconds), _size(row.bytes))
    table.add_row("all", _milliseconds(report.seconds), _percent(report, report.seconds), "")
    return table


def _costs(title: str, report: Report, rows: Sequence[Row], top: int, name: Callable[[Row], str]) -> Table:
    """One line for each name, the most expensive first, with the passes apart."""
    apart = summed(rows, lambda row: (name(row), row.phase, ""))
    by_pass = {(row.layer, row.phase): row.seconds for row in apart}
    whole = summed(apart, lambda row: (row.layer, "", ""))
    table = _table(title, "Calls", "Forward ms", "Backward ms", "Update ms", "All ms", "Share", "Bytes")
    for row in whole[:top]:
        passes = [by_pass.get((row.layer, phase), 0.0) for phase in ("forward", "backward", "update")]
        _add(table, report, row, [_milliseconds(seconds) if seconds else "" for seconds in passes])
    if whole[top:]:
        (rest,) = summed(whole[top:], lambda row: (f"({len(whole) - top} more)", "", ""))
        _add(table, report, rest, ["", "", ""])
    return table


def _add(table: Table, report: Report, row: Row, passes: list[str]) -> None:
    share = _percent(report, row.seconds)
    table.add_row(escape(row.layer), str(row.calls), *passes, _milliseconds(row.seconds), share, _size(row.bytes))


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column(columns[0], overflow="fold")
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f}"


def _percent(report: Report, seconds: float) -> str:
    return f"{100 * seconds / report.seconds:.1f} %" if report.seconds else ""


def _size(count: float) -> str:
    if not count:
        return ""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
