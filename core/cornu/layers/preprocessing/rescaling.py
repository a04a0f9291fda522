"""Scaling inputs."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer


class Rescaling(Layer):
    """`inputs * scale + offset`.

    Args:
        scale: A number or an array that broadcasts.
        offset: A number or an array that broadcasts.

    Example:
        >>> import cornu
        >>> float(cornu.layers.Rescaling(1 / 255)(cornu.ops.convert_to_tensor([[255.0]]))[0, 0])
        1.0
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        inputs = ops.cast(inputs, self.compute_dtype)
        return inputs * ops.cast(self.scale, self.compute_dtype) + ops.cast(self.offset, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
