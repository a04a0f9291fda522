"""What holds while one object tree is read or written: safe mode, and objects that occur twice."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

_SAFE: ContextVar[bool | None] = ContextVar("cornu_safe_mode", default=None)
_SHARING: ContextVar[ObjectSharingScope | None] = ContextVar("cornu_object_sharing", default=None)
_unsafe_everywhere = False


class SafeModeScope:
    """Within it, code stored in files (lambdas) is refused (True) or run (False), whatever inner calls say.

    Args:
        safe_mode: Whether to refuse.
    """

    def __init__(self, safe_mode: bool = True) -> None:
        self.safe_mode = safe_mode

    def __enter__(self) -> SafeModeScope:
        self._token = _SAFE.set(self.safe_mode)
        return self

    def __exit__(self, *error: object) -> None:
        _SAFE.reset(self._token)


def enable_unsafe_deserialization() -> None:
    """Lets every load in this process run code that is stored in files; only for files that you trust."""
    global _unsafe_everywhere
    _unsafe_everywhere = True


def disable_unsafe_deserialization() -> None:
    """Takes `enable_unsafe_deserialization` back."""
    global _unsafe_everywhere
    _unsafe_everywhere = False


def in_safe_mode(asked: bool = True) -> bool:
    """Whether stored code is refused here.

    Args:
        asked: What the innermost call asked for; a surrounding scope or the process-wide switch decides over it.
    """
    if _unsafe_everywhere:
        return False
    scope = _SAFE.get()
    return asked if scope is None else scope


class ObjectSharingScope:
    """Within it, an object that occurs twice is written once by number, and read back as one object."""

    def __init__(self) -> None:
        self._written: dict[int, tuple[int, Any]] = {}
        self._read: dict[int, Any] = {}

    def __enter__(self) -> ObjectSharingScope:
        self._token = _SHARING.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _SHARING.reset(self._token)

    def number(self, obj: Any) -> int:
        """The number of an object, counted from 1 in order of first sight."""
        # The object is held: a freed one could hand its id to another.
        return self._written.setdefault(id(obj), (len(self._written) + 1, obj))[0]


def note_written(obj: Any, config: dict[str, Any]) -> None:
    """Marks the config of `obj` with its number, if objects are shared here."""
    scope = _SHARING.get()
    if scope is not None:
        config["shared_object_id"] = scope.number(obj)


def shared_object(number: Any) -> Any:
    """The object already read under this number, or None."""
    scope = _SHARING.get()
    return None if scope is None else scope._read.get(number)


def note_read(obj: Any, number: Any) -> None:
    """Keeps an object for later occurrences of its number."""
    scope = _SHARING.get()
    if scope is not None:
        scope._read[number] = obj


def drop_single_numbers(config: Any) -> Any:
    """The same config without the numbers of objects that occur only once.

    Example:
        >>> drop_single_numbers([{"shared_object_id": 1}, {"shared_object_id": 2}, {"shared_object_id": 2}])
        [{}, {'shared_object_id': 2}, {'shared_object_id': 2}]
    """
    counts: dict[int, int] = {}
    _count(config, counts)
    return _without(config, {number for number, count in counts.items() if count == 1})


def _count(config: Any, counts: dict[int, int]) -> None:
    if isinstance(config, dict):
        number = config.get("shared_object_id")
        if number is not None:
            counts[number] = counts.get(number, 0) + 1
        for value in config.values():
            _count(value, counts)
    elif isinstance(config, (list, tuple)):
        for value in config:
            _count(value, counts)


def _without(config: Any, numbers: set[int]) -> Any:
    if isinstance(config, dict):
        return {
            key: _without(value, numbers)
            for key, value in config.items()
            if not (key == "shared_object_id" and value in numbers)
        }
    if isinstance(config, (list, tuple)):
        return [_without(value, numbers) for value in config]
    return config
