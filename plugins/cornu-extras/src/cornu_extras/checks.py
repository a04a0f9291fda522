"""Arguments and shapes that several layers check."""

from __future__ import annotations

from typing import Any


def positive_integer(layer: str, name: str, value: Any) -> int:
    """Returns a positive integer unchanged.

    Args:
        layer: The layer's class name.
        name: The argument's name.
        value: Its value.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{layer}: `{name}` must be a positive integer, not {value!r}.")
    return value


def probability(layer: str, name: str, value: Any) -> float:
    """Returns a number in [0, 1) unchanged.

    Args:
        layer: The layer's class name.
        name: The argument's name.
        value: Its value.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"{layer}: `{name}` must be a number of at least 0 and less than 1, not {value!r}.")
    return value


def last_size(layer: str, name: str, shape: Any) -> int:
    """The size of an input's last axis.

    Args:
        layer: The layer's class name.
        name: The layer's name.
        shape: The input's shape.

    Raises:
        ValueError: It is open.
    """
    if shape[-1] is None:
        raise ValueError(f"{layer} {name!r}: the last axis of the input must have a known size, got shape {shape}.")
    return int(shape[-1])
