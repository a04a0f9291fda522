"""Projections of weights, applied after each update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.backend.config import epsilon


class Constraint:
    """Base of the constraints: a subclass maps a weight to the nearest allowed one.

    Example:
        >>> class Half(Constraint):
        ...     def __call__(self, w):
        ...         return ops.minimum(w, 0.5)
    """

    def __call__(self, w: Any) -> Any:
        """The projected weight, in the shape and dtype of `w`."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """A constraint from its constructor's arguments."""
        return cls(**config)


class NonNeg(Constraint):
    """`max(w, 0)`.

    Example:
        >>> NonNeg()(ops.array([-1.0, 2.0])).numpy()
        array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        return ops.maximum(w, 0)


class MaxNorm(Constraint):
    """Shortens vectors longer than `max_value`: `w · clip(|w|, 0, max_value) / (|w| + epsilon)`.

    Args:
        max_value: The largest norm.
        axis: The axes that a vector runs along: 0 for a dense kernel, `[0, 1, 2]` for a convolution's.

    Example:
        >>> MaxNorm(1.0)(ops.array([[3.0], [4.0]])).numpy().round(3)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class UnitNorm(Constraint):
    """`w / (|w| + epsilon)`.

    Args:
        axis: The axes that a vector runs along.

    Example:
        >>> UnitNorm()(ops.array([[3.0], [4.0]])).numpy().round(3)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Moves norms towards `[min_value, max_value]`: `w · d / (|w| + epsilon)`.

    `d = rate · clip(|w|, min_value, max_value) + (1 - rate) · |w|`

    Args:
        min_value: The smallest norm.
        max_value: The largest norm.
        rate: 1 projects fully, less goes part of the way.
        axis: The axes that a vector runs along.

    Example:
        >>> MinMaxNorm(1.0, 2.0)(ops.array([[0.3], [0.4]])).numpy().round(3)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int | Sequence[int] = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        desired = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (desired / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


def _norms(w: Any, axis: int | Sequence[int]) -> Any:
    axes = axis if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axis=axes, keepdims=True))
