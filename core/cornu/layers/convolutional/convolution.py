"""Convolution layers in 1, 2 and 3 dimensions."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.convolutional.windowed import WindowedConv
from cornu.layers.settings import check_window, given, weight


class BaseConv(WindowedConv):
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

    def __init__(self, rank: int, filters: int, groups: int = 1, **kwargs: Any) -> None:
        super().__init__(rank, **kwargs)
        self._check_positive(filters=filters, groups=groups)
        if filters % groups:
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': the number of filters must be evenly divisible by "
                f"`groups`, got groups={groups}, filters={filters}."
            )
        self._check_steps()
        self.filters = filters
        self.groups = groups

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (*kernel_size, channels / groups, filters) and `bias` (filters,)."""
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': the number of input channels must be evenly divisible by "
                f"`groups`, got groups={self.groups}, input shape {tuple(input_shape)}."
            )
        check_window(self, input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = weight(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        return self._finished(ops.conv(inputs, self.kernel, **self._window()))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


class Conv1D(BaseConv):
    """A convolution over time: see `BaseConv`.

    Shape:
        `(batch, steps, channels)` → `(batch, new_steps, filters)`.
    """

    allowed_padding = ("valid", "same", "causal")

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
