"""Depthwise and separable convolution layers in 1 and 2 dimensions."""

from __future__ import annotations

from typing import Any

from cornu import activations, ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import (
    add_bias,
    check_window,
    described,
    given,
    last_size,
    of_weights,
    resolve,
    standard_data_format,
    standard_padding,
    standard_tuple,
    weight,
)


class ChannelwiseConv(Layer):
    """What depthwise and separable convolutions share: settings of the window and their checks."""

    depth_multiplier: int

    def __init__(
        self,
        rank: int,
        depth_multiplier: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activity_regularizer: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.rank = rank
        self.depth_multiplier = depth_multiplier
        self.kernel_size = standard_tuple(kernel_size, rank, "kernel_size")
        self.strides = standard_tuple(strides, rank, "strides")
        self.dilation_rate = standard_tuple(dilation_rate, rank, "dilation_rate")
        self.padding = standard_padding(padding)
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=rank + 2)
        if not isinstance(depth_multiplier, int) or depth_multiplier <= 0:
            raise ValueError(f"{self.name}: `depth_multiplier` must be a positive integer, got {depth_multiplier!r}.")

    def _channels(self, input_shape: Any) -> int:
        """The number of input channels; fixed from now on."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = last_size(input_shape, type(self).__name__, self.name, axis)
        check_window(self, input_shape)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _window(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("strides", "padding", "data_format", "dilation_rate")}


class BaseDepthwiseConv(ChannelwiseConv):
    """A convolution of each channel by itself: `activation(depthwise_conv(inputs, kernel) + bias)`.

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
    """

    def __init__(
        self,
        rank: int,
        activation: Any,
        use_bias: bool,
        depthwise_initializer: Any,
        bias_initializer: Any,
        depthwise_regularizer: Any,
        bias_regularizer: Any,
        depthwise_constraint: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(rank, **kwargs)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        resolve(
            self,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (*kernel_size, channels, depth_multiplier) and `bias` (channels * depth_multiplier,)."""
        channels = self._channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self.bias = weight(self, "bias", (channels * self.depth_multiplier,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        outputs = ops.depthwise_conv(inputs, self.kernel, **self._window())
        return self.activation(add_bias(outputs, self.bias, self.data_format))

    def get_config(self) -> dict[str, Any]:
        names = ("depth_multiplier", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation")
        more = ("use_bias", "activity_regularizer", *of_weights("depthwise", "bias"))
        return {**super().get_config(), **described(self, *names, *more)}


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


class BaseSeparableConv(ChannelwiseConv):
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
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        activation: Any,
        use_bias: bool,
        depthwise_initializer: Any,
        pointwise_initializer: Any,
        bias_initializer: Any,
        depthwise_regularizer: Any,
        pointwise_regularizer: Any,
        bias_regularizer: Any,
        depthwise_constraint: Any,
        pointwise_constraint: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(rank, **kwargs)
        if not isinstance(filters, int) or filters <= 0:
            raise ValueError(f"{self.name}: `filters` must be a positive integer, got {filters!r}.")
        self.filters = filters
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        resolve(
            self,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Creates `depthwise_kernel`, `pointwise_kernel` (*1, channels * depth_multiplier, filters) and `bias`."""
        channels, inner = self._channels(input_shape), self.depth_multiplier
        self.depthwise_kernel = weight(self, "depthwise_kernel", (*self.kernel_size, channels, inner), "depthwise")
        shape = (*(1,) * self.rank, channels * inner, self.filters)
        self.pointwise_kernel = weight(self, "pointwise_kernel", shape, "pointwise")
        self.bias = weight(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        outputs = ops.separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, **self._window())
        return self.activation(add_bias(outputs, self.bias, self.data_format))

    def get_config(self) -> dict[str, Any]:
        names = ("depth_multiplier", "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        more = ("activation", "use_bias", "activity_regularizer", *of_weights("depthwise", "pointwise", "bias"))
        return {**super().get_config(), **described(self, *names, *more)}


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
