"""Small questions about sizes."""

from __future__ import annotations

from cornu.ir.program import Value


def sizes(value: Value) -> tuple[int, ...]:
    """The shape of a value whose sizes are numbers."""
    return tuple(int(dim) for dim in value.shape)


def is_static(*values: Value) -> bool:
    """Whether all sizes are numbers, and none is 0."""
    return all(isinstance(dim, int) and dim > 0 for value in values for dim in value.shape)
