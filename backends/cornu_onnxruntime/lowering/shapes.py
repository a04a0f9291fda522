"""Small questions about sizes."""

from __future__ import annotations

from cornu.ir.program import Value


def is_static(*values: Value) -> bool:
    """Whether all sizes are numbers, and none is 0."""
    return all(isinstance(dim, int) and dim > 0 for value in values for dim in value.shape)
