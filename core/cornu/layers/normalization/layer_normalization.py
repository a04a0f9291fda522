"""Normalization of each sample by its own mean and variance."""

from __future__ import annotations

import warnings
from typing import Any

from cornu import ops
from cornu.layers.normalization.axes import as_axes, sizes_of_axes
from cornu.layers.normalization.scaled import ScaledNormalization
from cornu.layers.settings import given


class LayerNormalization(ScaledNormalization):
    """Normalizes each sample over some axes: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    Floats of 16 bits are computed in float32. Masks pass through; they do not change the mean and the variance.

    Args:
        axis: The axis, or the list of axes, that are normalized together.
        epsilon: Added to the variance.
        center: Whether `beta` is added.
        scale: Whether `gamma` multiplies.
        beta_initializer, gamma_initializer: What makes the first values.
        beta_regularizer, gamma_regularizer: Functions added to the loss.
        beta_constraint, gamma_constraint: Functions applied after each update.
        rms_scaling: Of older files: `gamma * x / sqrt(variance + epsilon)`. For the root mean square take
            `RMSNormalization`.

    Raises:
        TypeError: If the axis is no integer or list of integers.
        ValueError: If the input has no such axis, or its size is free.

    Shape:
        The input's; `gamma` and `beta` have the sizes of the normalized axes.

    Source:
        Ba, Kiros and Hinton, "Layer Normalization", 2016, arXiv:1607.06450.

    Example:
        >>> import cornu
        >>> x = cornu.ops.array([[1.0, 3.0], [10.0, 30.0]])
        >>> cornu.layers.LayerNormalization()(x).numpy().round(2).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        axis = as_axes(axis, type(self).__name__)
        super().__init__(**given(locals()))
        if self.rms_scaling:
            warnings.warn(
                f"LayerNormalization layer '{self.name}': `rms_scaling` divides by the standard deviation, not by the "
                "root mean square. It is kept for older files; take RMSNormalization instead.",
                stacklevel=2,
            )

    def build(self, input_shape: Any) -> None:
        """Creates `gamma` and `beta`, of the sizes of the axes."""
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape = sizes_of_axes(self, self.axis, input_shape)
        self._add_scaling(shape, self.center and not self.rms_scaling, self.scale or self.rms_scaling)

    def call(self, inputs: Any) -> Any:
        settings = {"rms_scaling": True} if self.rms_scaling else {}
        return ops.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon, **settings)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rms_scaling": self.rms_scaling}
