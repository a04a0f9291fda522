"""Exponential linear units."""

from __future__ import annotations

from typing import Any

from cornu import activations
from cornu.layers.layer import Layer


class ELU(Layer):
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere.

    Args:
        alpha: Minus the limit for large negative inputs.

    Raises:
        ValueError: If `alpha` is no number.

    Source:
        Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units",
        2015, arXiv:1511.07289.

    Example:
        >>> import cornu
        >>> cornu.layers.ELU(alpha=2.0)(cornu.ops.array([-1000.0, 3.0])).numpy().tolist()
        [-2.0, 3.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(alpha, (int, float)):
            raise ValueError(f"ELU layer '{self.name}': `alpha` must be a number, got {alpha!r}.")
        self.alpha = alpha
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}
