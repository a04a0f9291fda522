"""Normalization to length 1."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer
from cornu.layers.normalization.axes import as_axes

# What a length is at least taken for, so that zeros stay zeros.
_LEAST = 1e-12


class UnitNormalization(Layer):
    """Divides by the Euclidean norm over some axes: `x / max(sqrt(sum(x^2)), 1e-12)`.

    Floats of 16 bits are computed in float32: their squares would overflow.

    Args:
        axis: The axis, or the list of axes, of which the norm is taken.

    Raises:
        TypeError: If the axis is no integer or list of integers.

    Example:
        >>> import cornu
        >>> outputs = cornu.layers.UnitNormalization()(cornu.ops.array([[3.0, 4.0]]))
        >>> [round(float(x), 2) for x in outputs[0]]
        [0.6, 0.8]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_axes(axis, type(self).__name__)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        dtype = inputs.dtype
        x = ops.cast(inputs, "float32") if dtype in ("float16", "bfloat16") else inputs
        outputs = ops.normalize(x, axis=self.axis, order=2, epsilon=_LEAST)
        return outputs if x is inputs else ops.cast(outputs, dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
