"""Limits on gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops


def clip_by_norm(gradient: Any, limit: float) -> Any:
    """`g · limit / max(|g|, limit)`: shortens a gradient that is longer than the limit."""
    norm = ops.sqrt(ops.sum(ops.square(gradient)))
    return gradient * (limit / ops.maximum(norm, limit))


def global_norm(gradients: Sequence[Any]) -> Any:
    """`sqrt(sum over all g²)`."""
    squares = [ops.sum(ops.square(g)) for g in gradients]
    return ops.sqrt(sum(squares[1:], squares[0]))


def clip_by_global_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """Shortens all gradients alike where together they are longer than the limit; NaN where the norm is not finite."""
    norm = global_norm(gradients)
    scale = limit * ops.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)
    return [g * scale for g in gradients]
