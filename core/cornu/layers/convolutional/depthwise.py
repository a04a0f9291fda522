"""Depthwise convolution layers in 1 and 2 dimensions."""

from __future__ import annotations

from typing import Any, ClassVar

from cornu import ops
from cornu.layers.convolutional.windowed import WindowedConv
from cornu.layers.settings import check_window, given, weight


class BaseDepthwiseConv(WindowedConv):
    """A convolution of each channel by itself: `activation(depthwise_conv(inputs, kernel) + bias)`.

    Channel `c` of the input makes the channels `c * depth_multiplier + m` of the output, for `m` below
    `depth_multiplier`: `y[n, p, c * depth_multiplier + m] = sum over k of x[n, p * stride + k * dilation, c] *
    kernel[k, c, m]`.

    Args:
        rank: The number of spatial axes.
        depth_multiplier: The number of output channels for each input channel.
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
        `(batch, *spatial, channels)` → `(batch, *new_spatial, channels * depth_multiplier)`.
    """

    weight_kinds: ClassVar[tuple[str, ...]] = ("depthwise", "bias")

    def __init__(self, rank: int, depth_multiplier: int, **kwargs: Any) -> None:
        super().__init__(rank, **kwargs)
        self._check_positive(depth_multiplier=depth_multiplier)
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (*kernel_size, channels, depth_multiplier) and `bias` (channels * depth_multiplier,)."""
        channels = self._channels(input_shape)
        check_window(self, input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self.bias = weight(self, "bias", (channels * self.depth_multiplier,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        return self._finished(ops.depthwise_conv(inputs, self.kernel, **self._window()))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


class DepthwiseConv1D(BaseDepthwiseConv):
    """A convolution of each channel over time: see `BaseDepthwiseConv`."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, **given(locals()))


class DepthwiseConv2D(BaseDepthwiseConv):
    """A convolution of each channel over images: see `BaseDepthwiseConv`.

    Example:
        >>> import cornu
        >>> cornu.layers.DepthwiseConv2D(3, depth_multiplier=2)(cornu.ops.ones((1, 5, 5, 3))).shape
        (1, 3, 3, 6)
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, **given(locals()))
