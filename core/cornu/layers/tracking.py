"""Finding what an object holds in its attributes."""

from __future__ import annotations

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


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""What most attributes are: passed over at once, since models are searched in every single step."""


def contained(holder: Any, kind: type[T]) -> list[T]:
    """The distinct objects of a kind among an object's attributes, lists, tuples and dicts in them included."""
    found: dict[int, T] = {}
    for name, value in vars(holder).items():
        if type(value) not in _PLAIN and name not in UNTRACKED:
            _gather(value, kind, found)
    return list(found.values())


def _gather(value: Any, kind: type[T], found: dict[int, T]) -> None:
    if isinstance(value, kind):
        found.setdefault(id(value), value)
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            if type(item) not in _PLAIN:
                _gather(item, kind, found)
