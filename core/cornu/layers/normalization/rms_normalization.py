"""Normalization by the root mean square."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer
from cornu.layers.normalization.axes import as_axes, sizes_of_axes


class RMSNormalization(Layer):
    """Divides each sample by its root mean square over some axes: `scale * x / sqrt(mean(x^2) + epsilon)`.

    Floats of 16 bits are computed in float32. As in Keras, masks end here.

    Args:
        axis: The axis, or the list of axes, that the mean is taken over.
        epsilon: Added to the mean square.

    Raises:
        TypeError: If the axis is no integer or list of integers.
        ValueError: If the input has no such axis, or its size is free.

    Shape:
        The input's; `scale` has the sizes of the axes.

    Source:
        Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, arXiv:1910.07467.

    Example:
        >>> import cornu
        >>> outputs = cornu.layers.RMSNormalization()(cornu.ops.array([[1.0, 7.0]]))
        >>> [round(float(x), 2) for x in outputs[0]]
        [0.2, 1.4]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_axes(axis, type(self).__name__)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Creates `scale`, of the sizes of the axes."""
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape = sizes_of_axes(self, self.axis, input_shape)
        self.scale = self.add_weight(shape, "ones", autocast=False, name="scale")

    def call(self, x: Any) -> Any:
        return ops.rms_normalization(x, self.scale, self.axis, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
