"""Masks for steps that are padding."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer


class Masking(Layer):
    """Masks the steps whose features all have one value; what they hold becomes 0, and later layers skip them.

    Args:
        mask_value: The value.

    Shape:
        `(batch, steps, features)`, kept; the mask has the shape `(batch, steps)`.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.Masking(mask_value=9.0)
        >>> x = cornu.ops.array([[[9.0, 9.0], [9.0, 2.0]]])
        >>> layer(x).numpy().tolist(), layer.compute_mask(x).numpy().tolist()
        ([[[0.0, 0.0], [9.0, 2.0]]], [[False, True]])
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=False)

    def call(self, inputs: Any) -> Any:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(kept, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
