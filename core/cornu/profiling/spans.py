"""Spans of time, and what is each one's own where they are nested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")


class Span(NamedTuple):
    """Something that the core did, in seconds of `time.perf_counter`.

    Args:
        kind: "run", "feed", "read", "trace" or "compile".
        name: The program or function; empty for copies.
        start: When it began.
        end: When it ended.
        thread: Which thread did it.
        bytes: How much was copied.
        source: For a run, the number of the executable.
    """

    kind: str
    name: str
    start: float
    end: float
    thread: int
    bytes: int = 0
    source: int = -1


def own_seconds(items: Sequence[Item], bounds: Callable[[Item], tuple[float, float]], thread: Any) -> list[float]:
    """For each item its duration without those of the items within it on the same thread.

    Args:
        items: What has a beginning and an end.
        bounds: An item's beginning and end.
        thread: An item's thread.
    """
    own = [end - start for start, end in map(bounds, items)]
    threads: dict[Any, list[int]] = defaultdict(list)
    for i, item in enumerate(items):
        threads[thread(item)].append(i)
    for members in threads.values():
        members.sort(key=lambda i: (bounds(items[i])[0], -bounds(items[i])[1]))
        around: list[int] = []
        for i in members:
            start, end = bounds(items[i])
            while around and bounds(items[around[-1]])[1] <= start:
                around.pop()
            if around:
                own[around[-1]] -= end - start
            around.append(i)
    return [max(seconds, 0.0) for seconds in own]


def covered_seconds(spans: Sequence[Span], thread: int) -> float:
    """How much time the spans of a thread cover together."""
    covered, last = 0.0, float("-inf")
    own = sorted((span for span in spans if span.thread == thread), key=lambda span: span.start)
    for span in own:
        covered += max(0.0, span.end - max(span.start, last))
        last = max(last, span.end)
    return covered
