"""Finding the parts of a model that have state, and the paths under which files keep it.

The outermost object has the path "". A part is addressed by the attribute through which its owner holds it
(`encoder/dense`), or, inside a list, tuple or dict, by its class name in snake case, numbered (`layers/dense_1`).
`layers` of Sequential and Functional models comes first, then attributes in alphabetical order, private ones last; an
object reached twice is stored where it was reached first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from cornu.utils.naming import to_snake_case

# Where attributes of these base classes lead is bookkeeping, not structure.
KINDS = ("Sequential", "Functional", "Layer", "Metric", "Optimizer", "Loss", "Operation", "SeedGenerator")
_LEAVES = ("Optimizer", "SeedGenerator")
_EXTRA = {"Functional": ("operations", "_operations"), "Sequential": ("_functional", "_stack")}


def kind_of(obj: Any) -> str | None:
    """Which of `KINDS` an object is, or None if it is no part of a model.

    Example:
        >>> kind_of([1, 2]) is None
        True
    """
    for base in type(obj).__mro__:
        if base.__name__ in KINDS and base.__module__.split(".")[0] == "cornu":
            return base.__name__
    return None


_KNOWN: dict[tuple[str, str], frozenset[str]] = {}


def _base_attributes(obj: Any, kind: str) -> frozenset[str]:
    """The attributes of the framework's own base class, on its instances too."""
    wanted = "Layer" if kind in ("Sequential", "Functional") else kind
    base = next(base for base in type(obj).__mro__ if base.__name__ == wanted and base.__module__.startswith("cornu"))
    key = (base.__module__, kind)
    if key not in _KNOWN:
        names = {*dir(base), *_EXTRA.get(kind, ())}
        with suppress(TypeError, ValueError):  # an abstract base: its class attributes are what there is
            names.update(vars(base(name="saving_reference")))
        _KNOWN[key] = frozenset(names)
    return _KNOWN[key]


def parts(obj: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that may lead to stateful parts: `(name, value)`, in the order of files."""
    kind = kind_of(obj)
    if kind is None or kind in _LEAVES:
        return
    skipped = _base_attributes(obj, kind)
    if kind in ("Sequential", "Functional"):
        yield "layers", obj.layers
    for name in sorted(dir(obj), key=lambda name: (name.startswith("_"), name)):
        if name.startswith("__") or name in skipped:
            continue
        try:
            value = getattr(obj, name)
        except Exception:  # a property that cannot be read now holds no state
            continue
        if kind_of(value) is not None or isinstance(value, (list, tuple, dict)):
            yield name, value


def items(container: Any) -> Iterator[tuple[str, Any]]:
    """The stateful parts and inner containers of a list, tuple or dict: `(name, value)`."""
    counts: dict[str, int] = {}
    for value in list(container.values()) if isinstance(container, dict) else container:
        if kind_of(value) is not None:
            name = to_snake_case(type(value).__name__)
        elif isinstance(value, (list, tuple, dict)):
            name = "container"
        else:
            continue
        count = counts.get(name, 0)
        counts[name] = count + 1
        yield (f"{name}_{count}" if count else name), value


def join(path: str, name: str) -> str:
    """A path one step further."""
    return f"{path}/{name}" if path else name
