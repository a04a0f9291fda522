"""Finding what an object holds in its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

T = TypeVar("T")

UNTRACKED = frozenset(
    {
        "_inbound_nodes",
        "_outbound_nodes",
        "_losses",
        "_optimizer",
        "optimizer",
        "_functional",
        "_compile_config",
        "_compile_metrics",
        "_compile_loss",
        "_loss_tracker",
        "_metrics_held",
        "_history",
    }
)


def contained(holder: Any, kind: type[T]) -> list[T]:
    """The distinct objects of a kind among an object's attributes, lists, tuples and dicts in them included."""
    found: dict[int, T] = {}
    for name, value in vars(holder).items():
        if name not in UNTRACKED:
            for item in _of_kind(value, kind):
                found.setdefault(id(item), item)
    return list(found.values())


def _of_kind(value: Any, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _of_kind(item, kind)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _of_kind(item, kind)
