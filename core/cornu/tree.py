"""Nested structures of lists, tuples, named tuples and dicts (in sorted key order); everything else is a leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Applies `func` to corresponding leaves and keeps the first structure.

    Args:
        func: A function of as many leaves as there are structures.
        structures: Structures of one form.
        none_is_leaf: Whether None is passed to the function, too, rather than kept.

    Raises:
        ValueError: If the structures differ.
    """
    first = structures[0]
    if isinstance(first, Mapping):
        if any(not isinstance(other, Mapping) or set(other) != set(first) for other in structures[1:]):
            raise ValueError(f"Structures differ: {' and '.join(map(describe, structures))}.")
        mapped = {
            key: map_structure(func, *(s[key] for s in structures), none_is_leaf=none_is_leaf) for key in _keys(first)
        }
        return {key: mapped[key] for key in first}
    if isinstance(first, (list, tuple)):
        if any(not isinstance(other, (list, tuple)) or len(other) != len(first) for other in structures[1:]):
            raise ValueError(f"Structures differ: {' and '.join(map(describe, structures))}.")
        items = [map_structure(func, *parts, none_is_leaf=none_is_leaf) for parts in zip(*structures, strict=True)]
        if isinstance(first, tuple):
            return type(first)(*items) if hasattr(first, "_fields") else tuple(items)
        return items
    if not none_is_leaf and all(structure is None for structure in structures):
        return None
    return func(*structures)


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


class MAP_TO_NONE:  # noqa: N801 - Keras's name
    """What a function given to `traverse` returns to put None there; None itself leaves a part as it is."""


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves with the keys and numbers that lead to them.

    Example:
        >>> flatten_with_path({"a": [1, 2]})
        [(('a', 0), 1), (('a', 1), 2)]
    """
    return list(_with_path(structure, ()))


def _with_path(structure: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(structure, Mapping):
        for key in _keys(structure):
            yield from _with_path(structure[key], (*path, key))
    elif isinstance(structure, (list, tuple)):
        names = getattr(structure, "_fields", range(len(structure)))
        for name, item in zip(names, structure, strict=True):
            yield from _with_path(item, (*path, name))
    else:
        yield path, structure


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """A structure of the same form with other leaves, given in `flatten`'s order.

    Raises:
        TypeError: If the leaves are no flat list.
        ValueError: If there are too few or too many leaves.

    Example:
        >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
        {'a': 1, 'b': (2, 3)}
    """
    if not isinstance(flat_sequence, (list, tuple)):
        raise TypeError(f"pack_sequence_as: `flat_sequence` must be a list or tuple, got {flat_sequence!r}.")
    return pack(structure, list(flat_sequence))


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Applies a function to a structure and all its parts; what it returns replaces the part, None keeps it.

    Args:
        func: `(part) -> replacement or None`; `MAP_TO_NONE` puts None.
        structure: The structure.
        top_down: Whether a container comes before its parts; what then replaces it is not gone into.

    Example:
        >>> traverse(lambda part: sum(part) if isinstance(part, tuple) else None, [(1, 2), {"a": (3, 4)}])
        [3, {'a': 7}]
    """
    if top_down:
        changed = func(structure)
        if changed is not None:
            return None if changed is MAP_TO_NONE else changed
    if isinstance(structure, Mapping):
        parts = {key: traverse(func, structure[key], top_down) for key in _keys(structure)}
        structure = {key: parts[key] for key in structure}
    elif isinstance(structure, (list, tuple)):
        items = [traverse(func, item, top_down) for item in structure]
        structure = _like(structure, items)
    if top_down:
        return structure
    changed = func(structure)
    if changed is None:
        return structure
    return None if changed is MAP_TO_NONE else changed


def _like(original: Any, items: list[Any]) -> Any:
    if isinstance(original, tuple):
        return type(original)(*items) if hasattr(original, "_fields") else tuple(items)
    return items


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples in the place of lists.

    Example:
        >>> lists_to_tuples({"a": [1, [2]]})
        {'a': (1, (2,))}
    """
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to each shape; a tuple or list of integers and None is one.

    Example:
        >>> map_shape_structure(len, {"a": (None, 3), "b": [(2,)]})
        {'a': 2, 'b': [1]}
    """
    if isinstance(structure, (list, tuple)) and all(isinstance(size, (int, type(None))) for size in structure):
        return func(tuple(structure))
    if isinstance(structure, Mapping):
        return {key: map_shape_structure(func, item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return _like(structure, [map_shape_structure(func, item) for item in structure])
    raise ValueError(f"map_shape_structure: {structure!r} is neither a shape nor a structure of shapes.")


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Applies a function to the parts of structures that stand where the shallow one has leaves.

    Raises:
        ValueError: If a structure differs above that.

    Example:
        >>> map_structure_up_to([0, 0], len, [(1, 2), (3,)])
        [2, 1]
    """
    if isinstance(shallow_structure, Mapping):
        _check_level(shallow_structure, structures)
        parts = {
            key: map_structure_up_to(shallow_structure[key], func, *(s[key] for s in structures))
            for key in _keys(shallow_structure)
        }
        return {key: parts[key] for key in shallow_structure}
    if isinstance(shallow_structure, (list, tuple)):
        _check_level(shallow_structure, structures)
        rows = zip(shallow_structure, zip(*structures, strict=True), strict=True)
        return _like(shallow_structure, [map_structure_up_to(part, func, *row) for part, row in rows])
    return func(*structures)


def _check_level(shallow: Any, structures: Sequence[Any]) -> None:
    for structure in structures:
        same = (
            isinstance(structure, Mapping) and set(structure) == set(shallow)
            if isinstance(shallow, Mapping)
            else isinstance(structure, (list, tuple)) and len(structure) == len(shallow)
        )
        if not same:
            raise ValueError(f"Structures differ: {describe(shallow)} and {describe(structure)}.")


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Checks that two structures have the same form and the same kinds of containers.

    Args:
        a: A structure.
        b: Another.
        check_types: Must be None or True: the kinds of containers always count.

    Raises:
        ValueError: If they differ.

    Example:
        >>> assert_same_structure([1, (2,)], [3, (4,)])
    """
    if check_types not in (None, True):
        raise ValueError("assert_same_structure: `check_types=False` is no longer there; see `assert_same_paths`.")
    if not _same(a, b):
        raise ValueError(f"Structures differ: {describe(a)} and {describe(b)}.")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping) or isinstance(b, Mapping):
        both = isinstance(a, Mapping) and isinstance(b, Mapping)
        return both and set(a) == set(b) and all(_same(a[key], b[key]) for key in a)
    if is_nested(a) or is_nested(b):
        return type(a) is type(b) and len(a) == len(b) and all(map(_same, a, b))
    return True


def assert_same_paths(a: Any, b: Any) -> None:
    """Checks that the same keys and numbers lead to the leaves of two structures.

    Raises:
        ValueError: If they differ.

    Example:
        >>> assert_same_paths([1, 2], (3, 4))
    """
    ours, theirs = ({path for path, _ in flatten_with_path(structure)} for structure in (a, b))
    if ours != theirs:
        raise ValueError(
            f"Paths differ: {sorted(map(str, ours ^ theirs))} are in one of {describe(a)} and {describe(b)}."
        )
