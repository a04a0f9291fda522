"""Penalties on weights, added to the loss."""

from __future__ import annotations

import math
from typing import Any

from cornu import ops


class Regularizer:
    """Base of the regularizers: a subclass maps a weight to a scalar penalty.

    Example:
        >>> class Cubic(Regularizer):
        ...     def __call__(self, x):
        ...         return ops.sum(ops.abs(x) ** 3)
    """

    def __call__(self, x: Any) -> Any:
        """The penalty.

        Args:
            x: A weight of any shape.

        Returns:
            A scalar in the dtype of `x`.
        """
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """A regularizer from its constructor's arguments."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            TypeError: If a subclass that is to be saved does not override it.
        """
        raise TypeError(f"{type(self).__name__} must override `get_config()` to be saved.")


class L1L2(Regularizer):
    """Both penalties: `l1 · sum |x| + l2 · sum x²`.

    Args:
        l1: Factor of the absolute values.
        l2: Factor of the squares.

    Raises:
        ValueError: If a factor is negative or not finite.

    Example:
        >>> float(L1L2(0.5, 0.25)(ops.ones((2,))))
        1.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        parts = []
        if self.l1:
            parts.append(self.l1 * ops.sum(ops.absolute(x)))
        if self.l2:
            parts.append(self.l2 * ops.sum(ops.square(x)))
        return sum(parts[1:], parts[0]) if parts else ops.zeros((), dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """`l1 · sum |x|`.

    Args:
        l1: The factor.

    Raises:
        ValueError: If it is negative or not finite.

    Example:
        >>> float(L1(0.5)(ops.ones((2,))))
        1.0
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Any:
        return self.l1 * ops.sum(ops.absolute(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """`l2 · sum x²`.

    Args:
        l2: The factor.

    Raises:
        ValueError: If it is negative or not finite.

    Example:
        >>> float(L2(0.5)(ops.ones((2,))))
        1.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        return self.l2 * ops.sum(ops.square(x))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """The mean absolute cosine between different rows (or columns), times `factor`.

    `factor · 0.5 · sum over i ≠ j of |cos(x_i, x_j)| / (n (n - 1) / 2)`

    Args:
        factor: The factor.
        mode: "rows" or "columns".

    Raises:
        ValueError: If an argument is not as described, or the weight is not a matrix.

    Example:
        >>> float(OrthogonalRegularizer(1.0)(ops.eye(3)))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: `mode` must be 'rows' or 'columns', got {mode!r}.")
        self.mode = mode

    def __call__(self, inputs: Any) -> Any:
        if len(inputs.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a weight of rank 2, got shape {inputs.shape}.")
        rows = ops.convert_to_tensor(inputs) if self.mode == "rows" else ops.transpose(inputs)
        rows = ops.normalize(rows, axis=1)
        count = rows.shape[0]
        cosines = ops.matmul(rows, ops.transpose(rows)) * (1.0 - ops.eye(count, dtype=rows.dtype))
        return self.factor * 0.5 / (count * (count - 1) / 2) * ops.sum(ops.absolute(cosines))

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _factor(name: str, value: Any) -> float:
    if isinstance(value, (int, float)) and math.isfinite(value) and value >= 0:
        return float(value)
    raise ValueError(f"`{name}` must be a non-negative, finite number, got {value!r}.")
