"""Convolution layers in 1, 2 and 3 dimensions."""

from __future__ import annotations

from typing import Any

from cornu import activations, constraints, initializers, ops, regularizers
from cornu.backend.config import image_data_format
from cornu.layers.core import last_size
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer


def standard_tuple(value: Any, rank: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """A number repeated for every dimension, or a tuple of the right length.

    Raises:
        ValueError: If it is neither, or not positive.
    """
    values = (value,) * rank if isinstance(value, int) else tuple(value) if isinstance(value, (list, tuple)) else ()
    least = 0 if allow_zero else 1
    if len(values) != rank or any(not isinstance(item, int) or item < least for item in values):
        raise ValueError(
            f"The `{name}` argument must be a positive integer or a tuple of {rank} of them, got {value!r}."
        )
    return values


def standard_data_format(value: str | None) -> str:
    """The data format, by default the configured one.

    Raises:
        ValueError: If it is neither "channels_last" nor "channels_first".
    """
    value = str(value or image_data_format()).lower()
    if value not in ("channels_last", "channels_first"):
        raise ValueError(f"The `data_format` argument must be 'channels_first' or 'channels_last', got {value!r}.")
    return value


def standard_padding(value: str, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """The padding mode in lower case.

    Raises:
        ValueError: If it is not allowed.
    """
    lower = str(value).lower()
    if lower not in allowed:
        raise ValueError(f"The `padding` argument must be one of {allowed}, got {value!r}.")
    return lower


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
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
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
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        self._check_window(input_shape)

    def _check_window(self, input_shape: Any) -> None:
        if self.padding != "valid":
            return
        spatial = input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:]
        for size, kernel, dilation in zip(spatial, self.kernel_size, self.dilation_rate, strict=True):
            if size is not None and size < (kernel - 1) * dilation + 1:
                raise ValueError(
                    f"{type(self).__name__} layer '{self.name}': the window of {self.kernel_size} "
                    f"(dilation {self.dilation_rate}) is larger than the input of shape {tuple(input_shape)}."
                )

    def call(self, inputs: Any) -> Any:
        outputs = ops.conv(
            self._pad_causally(inputs),
            self.kernel,
            strides=self.strides,
            padding="valid" if self.padding == "causal" else self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        if self.bias is not None:
            shape = (1,) * (self.rank + 1) + (self.filters,)
            if self.data_format == "channels_first":
                shape = (1, self.filters) + (1,) * self.rank
            outputs = ops.add(outputs, ops.reshape(self.bias, shape))
        return self.activation(outputs)

    def _pad_causally(self, inputs: Any) -> Any:
        if self.padding != "causal":
            return inputs
        front = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        widths = [[0, 0], [front, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [0, 0], [front, 0]]
        return ops.pad(inputs, widths)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


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
        super().__init__(**_arguments(1, locals()))


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
        super().__init__(**_arguments(2, locals()))


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
        super().__init__(**_arguments(3, locals()))


def _arguments(rank: int, given: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments for `BaseConv`."""
    named = {name: value for name, value in given.items() if name not in ("self", "kwargs", "__class__")}
    return {"rank": rank, **named, **given["kwargs"]}
