"""Convolution layers in 1, 2 and 3 dimensions."""

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


class BaseConv(Layer):
    """A convolution of any rank: `activation(conv(inputs, kernel) + bias)`.

    Args:
        rank: The number of spatial axes.
        filters: The number of output channels.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window.
        padding: "valid", "same", or in one dimension "causal".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window.
        groups: Channel groups that are convolved apart.
        activation: A function or its name.
        use_bias: Whether a bias is added.

    Raises:
        ValueError: If a setting is out of range, or strides and dilation are both above 1.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.rank = rank
        self.filters = filters
        self.groups = groups
        self.kernel_size = standard_tuple(kernel_size, rank, "kernel_size")
        self.strides = standard_tuple(strides, rank, "strides")
        self.dilation_rate = standard_tuple(dilation_rate, rank, "dilation_rate")
        self.padding = standard_padding(padding, ("valid", "same", "causal") if rank == 1 else ("valid", "same"))
        self.data_format = standard_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        resolve(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.input_spec = InputSpec(min_ndim=rank + 2)
        self._check_settings()

    def _check_settings(self) -> None:
        if not isinstance(self.filters, int) or self.filters <= 0:
            raise ValueError(f"{self.name}: `filters` must be a positive integer, got {self.filters!r}.")
        if not isinstance(self.groups, int) or self.groups <= 0 or self.filters % self.groups:
            raise ValueError(
                f"{self.name}: the number of filters must be evenly divisible by `groups`, "
                f"got groups={self.groups}, filters={self.filters}."
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.name}: strides > 1 and dilation_rate > 1 cannot be combined, "
                f"got strides={self.strides}, dilation_rate={self.dilation_rate}."
            )

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (*kernel_size, channels / groups, filters) and `bias` (filters,)."""
        channels = last_size(input_shape, type(self).__name__, self.name, self._channel_axis)
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: the number of input channels must be evenly divisible by `groups`, "
                f"got groups={self.groups}, input shape {tuple(input_shape)}."
            )
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = weight(self, "bias", (self.filters,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        check_window(self, input_shape)

    def call(self, inputs: Any) -> Any:
        outputs = ops.conv(
            self._pad_causally(inputs),
            self.kernel,
            strides=self.strides,
            padding="valid" if self.padding == "causal" else self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self.activation(add_bias(outputs, self.bias, self.data_format))

    def _pad_causally(self, inputs: Any) -> Any:
        if self.padding != "causal":
            return inputs
        front = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        widths = [[0, 0], [front, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [0, 0], [front, 0]]
        return ops.pad(inputs, widths)

    def get_config(self) -> dict[str, Any]:
        window = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups")
        more = ("activation", "use_bias", "activity_regularizer", *of_weights("kernel", "bias"))
        return {**super().get_config(), **described(self, *window, *more)}


class Conv1D(BaseConv):
    """A convolution over time: see `BaseConv`.

    Shape:
        `(batch, steps, channels)` → `(batch, new_steps, filters)`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, **given(locals()))


class Conv2D(BaseConv):
    """A convolution over images: see `BaseConv`.

    Shape:
        `(batch, height, width, channels)` → `(batch, new_height, new_width, filters)`.

    Example:
        >>> import cornu
        >>> cornu.layers.Conv2D(4, 3, padding="same", strides=2)(cornu.ops.ones((1, 5, 5, 3))).shape
        (1, 3, 3, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, **given(locals()))


class Conv3D(BaseConv):
    """A convolution over volumes: see `BaseConv`.

    Shape:
        `(batch, depth, height, width, channels)` → `(batch, new_depth, new_height, new_width, filters)`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, **given(locals()))
