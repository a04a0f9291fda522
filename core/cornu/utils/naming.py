"""Names of objects: snake case, and numbered so that each is unique in the process."""

from __future__ import annotations

import re
from collections import Counter
from threading import Lock
from typing import Any

_USED: Counter[str] = Counter()
_LOCK = Lock()


def to_snake_case(name: str) -> str:
    """`MaxPooling2D` → `max_pooling2d`: the way Keras spells a class name in an object's name."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def uniquify(name: str) -> str:
    """`name` the first time, then `name_1`, `name_2`, ..."""
    with _LOCK:
        count = _USED[name]
        _USED[name] += 1
    return f"{name}_{count}" if count else name


def auto_name(prefix: str) -> str:
    """A unique name made from a class name.

    Args:
        prefix: A class name in camel case.

    Example:
        >>> reset_uids()
        >>> auto_name("Dense"), auto_name("Dense")
        ('dense', 'dense_1')
    """
    return uniquify(to_snake_case(prefix))


def get_uid(prefix: str = "") -> int:
    """The next number for a prefix, from 1."""
    with _LOCK:
        _USED[prefix] += 1
        return _USED[prefix]


def reset_uids() -> None:
    """Forgets all names given so far."""
    with _LOCK:
        _USED.clear()


def object_name(obj: Any) -> str:
    """The name that logs use for an object: its `name`, else its function's or class's name in snake case."""
    if hasattr(obj, "name"):
        return str(obj.name)
    return to_snake_case(getattr(obj, "__name__", None) or type(obj).__name__)
