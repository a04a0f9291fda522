"""Layers that change shapes or values without weights: Flatten, Reshape, Rescaling, merging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format


class Flatten(Layer):
    """Joins all axes but the batch.

    Args:
        data_format: "channels_first" moves the channels to the end first.

    Example:
        >>> import cornu
        >>> cornu.layers.Flatten()(cornu.ops.ones((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs: Any) -> Any:
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        sizes = ops.shape(inputs)
        total: Any = 1
        for size in sizes[1:]:
            total = total * size
        return ops.reshape(inputs, (sizes[0], total))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """Gives every sample another shape.

    Args:
        target_shape: The shape of one sample; one size may be -1.

    Example:
        >>> import cornu
        >>> cornu.layers.Reshape((2, -1))(cornu.ops.ones((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = tuple(target_shape)
        if sum(size == -1 for size in shape) > 1:
            raise ValueError(
                f"The `target_shape` argument must not contain more than one `-1` value. Received: {shape}"
            )
        self.target_shape = shape
        self.built = True

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self.target_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
