"""Separable convolution layers in 1 and 2 dimensions."""

from __future__ import annotations

from typing import Any, ClassVar

from cornu import ops
from cornu.layers.convolutional.windowed import WindowedConv
from cornu.layers.settings import check_window, given, weight


class BaseSeparableConv(WindowedConv):
    """A depthwise convolution and one across channels: `activation(separable_conv(inputs, kernels) + bias)`.

    Args:
        rank: The number of spatial axes.
        filters: The number of output channels.
        depth_multiplier: The number of channels in between for each input channel.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window.
        activation: A function or its name.
        use_bias: Whether a bias is added.

    Raises:
        ValueError: If a setting is out of range.

    Shape:
        `(batch, *spatial, channels)` → `(batch, *new_spatial, filters)`.

    Source:
        Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017, arXiv:1610.02357.
    """

    weight_kinds: ClassVar[tuple[str, ...]] = ("depthwise", "pointwise", "bias")

    def __init__(self, rank: int, filters: int, depth_multiplier: int, **kwargs: Any) -> None:
        super().__init__(rank, **kwargs)
        self._check_positive(filters=filters, depth_multiplier=depth_multiplier)
        self.filters = filters
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        """Creates `depthwise_kernel`, `pointwise_kernel` (*1, channels * depth_multiplier, filters) and `bias`."""
        channels, inner = self._channels(input_shape), self.depth_multiplier
        check_window(self, input_shape)
        self.depthwise_kernel = weight(self, "depthwise_kernel", (*self.kernel_size, channels, inner), "depthwise")
        shape = (*(1,) * self.rank, channels * inner, self.filters)
        self.pointwise_kernel = weight(self, "pointwise_kernel", shape, "pointwise")
        self.bias = weight(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        return self._finished(
            ops.separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, **self._window())
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "depth_multiplier": self.depth_multiplier}


class SeparableConv1D(BaseSeparableConv):
    """A separable convolution over time: see `BaseSeparableConv`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, **given(locals()))


class SeparableConv2D(BaseSeparableConv):
    """A separable convolution over images: see `BaseSeparableConv`.

    Example:
        >>> import cornu
        >>> cornu.layers.SeparableConv2D(8, 3)(cornu.ops.ones((1, 5, 5, 3))).shape
        (1, 3, 3, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, **given(locals()))
