"""Softmax with masks."""

from __future__ import annotations

from typing import Any

from cornu import activations, ops
from cornu.layers.layer import Layer


class Softmax(Layer):
    """`exp(x) / sum(exp(x))` along one axis, several together, or all.

    Where a mask is given, what it hides has the probability 0 and the rest sums to 1; where it hides everything, all
    probabilities are 0.

    Args:
        axis: The axis, a list or tuple of axes that sum to 1 together, or None for all.

    Raises:
        ValueError: If the input has no such axis, or the mask does not broadcast to it.

    Shape:
        The input's; a mask is of that shape, or broadcasts to it.

    Example:
        >>> import cornu
        >>> x = cornu.ops.array([[1.0, 1.0, 5.0]])
        >>> cornu.layers.Softmax()(x, mask=cornu.ops.array([[True, True, False]])).numpy().tolist()
        [[0.5, 0.5, 0.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = axis if isinstance(axis, (list, tuple)) else (axis,)
        if any(not isinstance(item, int) for item in axes) and axis is not None:
            raise ValueError(
                f"Softmax layer '{self.name}': `axis` must be an integer, several of them, or None, got {axis!r}."
            )
        self.axis = axis
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return activations.softmax(inputs, axis=self.axis)
        self._check(mask, inputs)
        kept = ops.cast(mask, "bool")
        lowest = -3e38 if inputs.dtype in ("float32", "float64", "bfloat16") else -65504.0
        return ops.softmax(ops.where(kept, inputs, lowest), axis=self.axis) * ops.cast(kept, inputs.dtype)

    def _check(self, mask: Any, inputs: Any) -> None:
        pairs = list(zip(reversed(mask.shape), reversed(inputs.shape), strict=False))
        if len(mask.shape) > len(inputs.shape) or any(m not in (1, None, n) and n is not None for m, n in pairs):
            raise ValueError(
                f"Softmax layer '{self.name}': the mask of shape {tuple(mask.shape)} does not broadcast to the input "
                f"shape {tuple(inputs.shape)}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
