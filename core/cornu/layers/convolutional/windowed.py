"""What all convolution layers share."""

from __future__ import annotations

from typing import Any, ClassVar

from cornu import activations
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import (
    add_bias,
    described,
    last_size,
    of_weights,
    resolve,
    standard_data_format,
    standard_padding,
    standard_tuple,
)
from cornu.tracing.variable import Variable


class WindowedConv(Layer):
    """A layer that moves a window over its input: the window, an activation and a bias.

    Args:
        rank: The number of spatial axes.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window.
        activation: A function or its name.
        use_bias: Whether a bias is added.
        kwargs: The initializers, regularizers and constraints of `weight_kinds`, and what `Layer` takes.

    Raises:
        ValueError: If a setting is out of range.
    """

    weight_kinds: ClassVar[tuple[str, ...]] = ("kernel", "bias")
    allowed_padding: tuple[str, ...] = ("valid", "same")
    bias: Variable | None

    def __init__(
        self,
        rank: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        weights = {name: kwargs.pop(name) for name in of_weights(*self.weight_kinds)}
        super().__init__(**kwargs)
        self.rank = rank
        self.kernel_size = standard_tuple(kernel_size, rank, "kernel_size")
        self.strides = standard_tuple(strides, rank, "strides")
        self.padding = standard_padding(padding, self.allowed_padding)
        self.data_format = standard_data_format(data_format)
        self.dilation_rate = standard_tuple(dilation_rate, rank, "dilation_rate")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        resolve(self, **weights)
        self.input_spec = InputSpec(min_ndim=rank + 2)

    def _check_positive(self, **counts: Any) -> None:
        for name, count in counts.items():
            if not isinstance(count, int) or count <= 0:
                raise ValueError(
                    f"{type(self).__name__} layer '{self.name}': `{name}` must be a positive integer, got {count!r}."
                )

    def _check_steps(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': strides > 1 and dilation_rate > 1 cannot be combined, "
                f"got strides={self.strides}, dilation_rate={self.dilation_rate}."
            )

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _channels(self, input_shape: Any) -> int:
        """The number of input channels, which is fixed from now on."""
        if len(input_shape) != self.rank + 2:
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': the input must have {self.rank + 2} axes, "
                f"got input shape {tuple(input_shape)}."
            )
        channels = last_size(input_shape, type(self).__name__, self.name, self._channel_axis)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        return channels

    def _window(self) -> dict[str, Any]:
        """The settings of the window as the operations take them."""
        return {name: getattr(self, name) for name in ("strides", "padding", "data_format", "dilation_rate")}

    def _finished(self, outputs: Any) -> Any:
        return self.activation(add_bias(outputs, self.bias, self.data_format))

    def get_config(self) -> dict[str, Any]:
        names = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias")
        more = ("activity_regularizer", *of_weights(*self.weight_kinds))
        return {**super().get_config(), **described(self, *names, *more)}
