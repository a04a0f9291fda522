"""Errors inside a layer, loss or metric say which it was, and on what it was called."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cornu import tree
from cornu.ir.shapes import SizeConflictError

_SHORT = 60


@contextmanager
def naming(kind: str, obj: Any, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Adds to the errors of a block whose they are; see `name_caller`."""
    try:
        yield
    except Exception as error:
        name_caller(error, kind, obj, args, kwargs)
        raise


def name_caller(error: BaseException, kind: str, obj: Any, args: Any, kwargs: Any) -> None:
    """Adds a layer, loss or metric to an error's message, unless the message has its name.

    Only the innermost one is added. Other people's classes of errors stay as they are: they may mean more by their
    arguments.

    Args:
        error: What was raised.
        kind: What the object is called.
        obj: The object.
        args: What it was called on.
        kwargs: Its keyword arguments.
    """
    plain = getattr(builtins, type(error).__name__, None) is type(error) or isinstance(error, SizeConflictError)
    if not plain or isinstance(error, KeyError):
        return
    if error.__dict__.get("_has_a_name") or len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    error.__dict__["_has_a_name"] = True
    text = error.args[0]
    if f"'{obj.name}'" in text or f'"{obj.name}"' in text:
        return
    named = [f"{name}={shown(value)}" for name, value in kwargs.items() if value is not None]
    given = ", ".join([*map(shown, args), *named]) or "nothing"
    error.args = (f"{text}\nThis was in the {kind} '{obj.name}' ({type(obj).__name__}), called on {given}.",)


def shown(value: Any) -> str:
    """A value for an error's message: shapes and dtypes of tensors, short text of anything else.

    Example:
        >>> shown([np.zeros((2, 3)), None])
        '[(2, 3) of float64, None]'
    """
    text = repr(tree.map_structure(_Leaf, value))
    return text if len(text) <= 4 * _SHORT else f"{text[: 4 * _SHORT]}..."


class _Leaf:
    def __init__(self, value: Any) -> None:
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            self._text = f"{tuple(value.shape)} of {value.dtype}"
        else:
            text = repr(value)
            self._text = text if len(text) <= _SHORT else f"{text[:_SHORT]}..."

    def __repr__(self) -> str:
        return self._text
