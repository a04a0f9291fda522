"""The layer that does nothing."""

from __future__ import annotations

from typing import Any

from cornu.layers.layer import Layer


class Identity(Layer):
    """Passes its input on, tensors and structures of them alike, with their masks.

    Example:
        >>> import cornu
        >>> float(cornu.layers.Identity()(cornu.ops.array([3.0]))[0])
        3.0
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs
