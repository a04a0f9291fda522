"""Nested structures of lists, tuples, named tuples and dicts (in sorted key order); everything else is a leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order.

    Example:
        >>> flatten({"b": [1, 2], "a": (3, None)})
        [3, None, 1, 2]
    """
    return list(_leaves(structure))


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, Mapping):
        for key in _keys(structure):
            yield from _leaves(structure[key])
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from _leaves(item)
    else:
        yield structure


def _keys(mapping: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        return list(mapping)


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """Applies `function` to corresponding leaves and keeps the first structure.

    Raises:
        ValueError: If the structures differ.
    """
    first = structures[0]
    if isinstance(first, Mapping):
        if any(not isinstance(other, Mapping) or set(other) != set(first) for other in structures[1:]):
            raise ValueError(f"Structures differ: {' and '.join(map(describe, structures))}.")
        mapped = {key: map_structure(function, *(s[key] for s in structures)) for key in _keys(first)}
        return {key: mapped[key] for key in first}
    if isinstance(first, (list, tuple)):
        if any(not isinstance(other, (list, tuple)) or len(other) != len(first) for other in structures[1:]):
            raise ValueError(f"Structures differ: {' and '.join(map(describe, structures))}.")
        items = [map_structure(function, *parts) for parts in zip(*structures, strict=True)]
        if isinstance(first, tuple):
            return type(first)(*items) if hasattr(first, "_fields") else tuple(items)
        return items
    return function(*structures)


def pack(structure: Any, leaves: list[Any]) -> Any:
    """A structure of the same form with other leaves, given in `flatten`'s order.

    Raises:
        ValueError: If there are too few or too many leaves.
    """
    given = iter(leaves)
    try:
        packed = _pack(structure, given)
    except StopIteration:
        raise ValueError(f"{len(leaves)} leaves are too few for {describe(structure)}.") from None
    if next(given, _END) is not _END:
        raise ValueError(f"{len(leaves)} leaves are too many for {describe(structure)}.")
    return packed


_END = object()


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, Mapping):
        packed = {key: _pack(structure[key], leaves) for key in _keys(structure)}
        return {key: packed[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        items = [_pack(item, leaves) for item in structure]
        if isinstance(structure, tuple):
            return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
        return items
    return next(leaves)


def is_nested(structure: Any) -> bool:
    """True for a container."""
    return isinstance(structure, (list, tuple, Mapping))


def describe(structure: Any) -> str:
    """The form of a structure, with `*` for leaves."""
    return repr(map_structure(lambda leaf: _Star(), structure))


class _Star:
    def __repr__(self) -> str:
        return "*"
