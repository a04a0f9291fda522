"""A profile in the format of Chrome's trace events, which Perfetto opens."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cornu.ir.scope import layer_path, pass_of

if TYPE_CHECKING:
    from cornu.profiling.report import Report

_PROCESS = 1
_OPERATORS = 1000
_TITLES = {"feed": "from_numpy", "read": "to_numpy", "trace": "trace {}", "compile": "compile {}", "run": "run {}"}


def write_trace(report: Report, path: str | PathLike[str]) -> None:
    """Writes a report's timeline."""
    Path(path).write_text(json.dumps({"traceEvents": trace_events(report), "displayTimeUnit": "ms"}), encoding="utf-8")


def trace_events(report: Report) -> list[dict[str, Any]]:
    """What the core did on one track per thread, and what the nodes did on tracks of their own."""
    host = _numbers((span.thread for span in report.spans), 1)
    nodes = _numbers((event.thread for event in report.events), _OPERATORS)
    events = [_named("process_name", 0, "Cornu")]
    events += [_named("thread_name", track, f"thread {track}") for track in host.values()]
    events += [_named("thread_name", track, f"operators {track - _OPERATORS + 1}") for track in nodes.values()]
    for span in report.spans:
        title = _TITLES[span.kind].format(span.name)
        start, track = span.start - report.began, host[span.thread]
        copied = {"bytes": span.bytes} if span.bytes else {}
        events.append(_complete(title, span.kind, start, span.end - span.start, track, copied))
    for event in report.events:
        arguments: dict[str, Any] = {
            "layer": layer_path(event.scope),
            "pass": pass_of(event.scope),
            "bytes": event.bytes,
        }
        if event.kernel:
            arguments["kernel"] = event.kernel
        title = f"{arguments['layer']}/{event.op}" if arguments["layer"] else event.op
        start, track = event.start - report.began, nodes[event.thread]
        events.append(_complete(title, pass_of(event.scope), start, event.duration, track, arguments))
    return events


def _numbers(threads: Any, first: int) -> dict[int, int]:
    return {thread: first + i for i, thread in enumerate(dict.fromkeys(threads))}


def _named(kind: str, track: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": _PROCESS, "tid": track, "args": {"name": name}}


def _complete(
    name: str, category: str, start: float, duration: float, track: int, arguments: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "cat": category,
        "ph": "X",
        "ts": max(start, 0.0) * 1e6,
        "dur": duration * 1e6,
        "pid": _PROCESS,
        "tid": track,
        "args": arguments,
    }
