"""Transposed convolution layers in 1, 2 and 3 dimensions."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.convolutional.windowed import WindowedConv
from cornu.layers.settings import given, standard_tuple, weight


class BaseConvTranspose(WindowedConv):
    """The adjoint of a convolution of any rank: `activation(conv_transpose(inputs, kernel) + bias)`.

    Args:
        rank: The number of spatial axes.
        filters: The number of output channels.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window in the output.
        padding: "valid" for the whole output, "same" for `size * stride` of it.
        output_padding: How much longer the output is than it must be, below the strides; chosen by `padding` if
            missing.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window.
        activation: A function or its name.
        use_bias: Whether a bias is added.

    Raises:
        ValueError: If a setting is out of range, or strides and dilation are both above 1.

    Shape:
        `(batch, *spatial, channels)` → `(batch, *new_spatial, filters)`.

    Source:
        Zeiler et al., "Deconvolutional Networks", 2010.
    """

    def __init__(self, rank: int, filters: int, output_padding: Any = None, **kwargs: Any) -> None:
        super().__init__(rank, **kwargs)
        self._check_positive(filters=filters)
        self._check_steps()
        self.filters = filters
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = standard_tuple(output_padding, rank, "output_padding", allow_zero=True)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{type(self).__name__} layer '{self.name}': `output_padding` must be strictly less than "
                    f"`strides`, got output_padding={self.output_padding}, strides={self.strides}."
                )

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (*kernel_size, filters, channels) and `bias` (filters,)."""
        channels = self._channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, self.filters, channels))
        self.bias = weight(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        return self._finished(
            ops.conv_transpose(inputs, self.kernel, output_padding=self.output_padding, **self._window())
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "output_padding": self.output_padding}


class Conv1DTranspose(BaseConvTranspose):
    """A transposed convolution over time: see `BaseConvTranspose`.

    Example:
        >>> import cornu
        >>> cornu.layers.Conv1DTranspose(4, 3, strides=2)(cornu.ops.ones((1, 5, 3))).shape
        (1, 11, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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


class Conv2DTranspose(BaseConvTranspose):
    """A transposed convolution over images: see `BaseConvTranspose`.

    Example:
        >>> import cornu
        >>> cornu.layers.Conv2DTranspose(4, 3, strides=2, padding="same")(cornu.ops.ones((1, 5, 5, 3))).shape
        (1, 10, 10, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
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


class Conv3DTranspose(BaseConvTranspose):
    """A transposed convolution over volumes: see `BaseConvTranspose`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = (1, 1, 1),
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
