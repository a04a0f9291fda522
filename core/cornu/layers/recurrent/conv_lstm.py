"""Long short-term memory whose products are convolutions."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ir.dim import Dim
from cornu.layers.input_spec import InputSpec
from cornu.layers.recurrent.cell import RecurrentCell, check_units, forget_bias
from cornu.layers.recurrent.rnn_of_cell import RNNOfCell
from cornu.layers.settings import (
    add_bias,
    check_window,
    given,
    last_size,
    resolve,
    standard_data_format,
    standard_padding,
    standard_tuple,
)


class ConvLSTMCell(RecurrentCell):
    """One step: as in `LSTMCell`, with convolutions in the place of products.

    The inputs are convolved with `kernel` as the settings say; the state, which has the size of the result, with
    `recurrent_kernel`, always with strides 1 and padding "same".

    Args:
        rank: The number of spatial axes.
        filters: The channels of both states and of the output.
        kernel_size: The size of both windows, one number or one per axis.
        strides: Steps of the window over the inputs.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window over the inputs.
        activation: Of the candidate and of the cell's state.
        recurrent_activation: Of the gates.
        unit_forget_bias: Whether the bias of the forget gate starts at 1.

    Raises:
        ValueError: If a setting is out of range, or strides and dilation are both above 1.
    """

    gates = 4
    settings = (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "data_format",
        "dilation_rate",
        "recurrent_activation",
        "unit_forget_bias",
    )

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals(), "rank", *self.settings))
        resolve(self, recurrent_activation=recurrent_activation)
        self.rank = rank
        self.filters = check_units(self, "filters", filters)
        self.kernel_size = standard_tuple(kernel_size, rank, "kernel_size")
        self.strides = standard_tuple(strides, rank, "strides")
        self.padding = standard_padding(padding)
        self.data_format = standard_data_format(data_format)
        self.dilation_rate = standard_tuple(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.name}: strides > 1 and dilation_rate > 1 cannot be combined, "
                f"got strides={self.strides}, dilation_rate={self.dilation_rate}."
            )
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [filters, filters]
        self.output_size = filters

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (*window, channels, 4 filters), `recurrent_kernel` (*window, filters, 4 filters), `bias`."""
        channels = last_size(input_shape, type(self).__name__, self.name, self._channel_axis)
        start = forget_bias(self.bias_initializer, self.filters) if self.unit_forget_bias else None
        check_window(self, input_shape)
        columns = 4 * self.filters
        recurrent = (*self.kernel_size, self.filters, columns)
        self._add_weights((*self.kernel_size, channels, columns), recurrent, (columns,), start)
        self._sizes = self.output_sizes(input_shape)

    def output_sizes(self, input_shape: Any) -> tuple[Any, ...]:
        """The shape of the output, without the batch, for inputs of a shape, whose sizes may be symbolic."""
        last = self.data_format == "channels_last"
        spatial = input_shape[1:-1] if last else input_shape[2:]
        if any(isinstance(size, Dim) for size in spatial):
            # A symbolic size must be written as the convolution writes it; nothing reads this one's numbers.
            kernel = ops.zeros((*self.kernel_size, input_shape[self._channel_axis], 1))
            shape = ops.shape(ops.conv(ops.zeros((1, *input_shape[1:])), kernel, **self._window))
            sizes = list(shape[1:-1] if last else shape[2:])
        else:
            taken = [
                0 if self.padding == "same" else (k - 1) * d
                for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)
            ]
            windows = zip(spatial, taken, self.strides, strict=True)
            sizes = [None if size is None else (size - less - 1) // stride + 1 for size, less, stride in windows]
        return (*sizes, self.filters) if last else (self.filters, *sizes)

    @property
    def _window(self) -> dict[str, Any]:
        """How the inputs are convolved."""
        how = {"padding": self.padding, "strides": self.strides, "dilation_rate": self.dilation_rate}
        return {**how, "data_format": self.data_format}

    def get_initial_state(self, batch_size: Any = None, sizes: Any = None) -> list[Any]:
        """The states before the first step: zeros.

        Args:
            batch_size: The number of samples.
            sizes: Their shape, without the batch; by default that which the cell was built for.

        Raises:
            ValueError: If a size is not known.
        """
        sizes = self._sizes if sizes is None else sizes
        if None in sizes:
            raise ValueError(f"{self.name}: the first state needs fixed spatial sizes, the cell was built for {sizes}.")
        return [ops.zeros((batch_size, *sizes), self.compute_dtype) for _ in range(2)]

    @property
    def _mask_count(self) -> int:
        return self.gates

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h, c = states
        same = {"padding": "same", "data_format": self.data_format}
        xs = self._convolved(self._inputs_for_gates(inputs, training), self.kernel, self.bias, self._window)
        hs = self._convolved(self._state_for_gates(h, training), self.recurrent_kernel, None, same)
        i, f, g, o = (x + y for x, y in zip(xs, hs, strict=True))
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        c = f * c + i * self.activation(g)
        h = o * self.activation(c)
        return h, [h, c]

    def _convolved(self, values: list[Any], kernel: Any, bias: Any, how: dict[str, Any]) -> list[Any]:
        """The convolution for each gate."""
        if len(values) == 1:
            both = add_bias(ops.conv(values[0], kernel, **how), bias, self.data_format)
            return list(ops.split(both, 4, axis=self._channel_axis))
        kernels = ops.split(kernel, 4, axis=-1)
        biases = [None] * 4 if bias is None else ops.split(bias, 4)
        return [
            add_bias(ops.conv(value, part, **how), shift, self.data_format)
            for value, part, shift in zip(values, kernels, biases, strict=True)
        ]


class ConvLSTM(RNNOfCell, cell=ConvLSTMCell, cell_name="conv_lstm_cell"):
    """A recurrent network of convolutions of any rank: see `ConvLSTMCell` for the formula.

    Args:
        rank: The number of spatial axes.
        arguments: Those of the cell, of `RNN` and of every layer.

    Source:
        Shi et al., "Convolutional LSTM Network", 2015, arXiv:1506.04214.
    """

    cell: ConvLSTMCell

    def __init__(self, rank: int, **arguments: Any) -> None:
        super().__init__(rank=rank, **arguments)
        self.input_spec = InputSpec(ndim=rank + 3)

    def _zero_states(self, sequences_shape: Any) -> list[Any]:
        sizes = self.cell.output_sizes((sequences_shape[0], *sequences_shape[2:]))
        return self.cell.get_initial_state(sequences_shape[0], sizes)


class ConvLSTM1D(ConvLSTM):
    """A convolutional long short-term memory for sequences of vectors: see `ConvLSTMCell`.

    Args:
        filters: The channels of the output.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window over the inputs.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window over the inputs.
        kwargs: `unroll` and `zero_output_for_mask` of `RNN`, and the arguments of every layer.

    Shape:
        `(batch, time, steps, channels)` → `(batch, new_steps, filters)`,
        or `(batch, time, new_steps, filters)` with `return_sequences`;
        with \"channels_first\" the channels come before the spatial axes.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, **given(locals()))


class ConvLSTM2D(ConvLSTM):
    """A convolutional long short-term memory for sequences of images: see `ConvLSTMCell`.

    Args:
        filters: The channels of the output.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window over the inputs.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window over the inputs.
        kwargs: `unroll` and `zero_output_for_mask` of `RNN`, and the arguments of every layer.

    Shape:
        `(batch, time, height, width, channels)` → `(batch, new_height, new_width, filters)`,
        or `(batch, time, new_height, new_width, filters)` with `return_sequences`;
        with \"channels_first\" the channels come before the spatial axes.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True)
        >>> layer(cornu.ops.ones((1, 5, 8, 8, 3))).shape
        (1, 5, 8, 8, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, **given(locals()))


class ConvLSTM3D(ConvLSTM):
    """A convolutional long short-term memory for sequences of volumes: see `ConvLSTMCell`.

    Args:
        filters: The channels of the output.
        kernel_size: The size of the window, one number or one per axis.
        strides: Steps of the window over the inputs.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Gaps within the window over the inputs.
        kwargs: `unroll` and `zero_output_for_mask` of `RNN`, and the arguments of every layer.

    Shape:
        `(batch, time, depth, height, width, channels)` → `(batch, new_depth, new_height, new_width, filters)`,
        or `(batch, time, new_depth, new_height, new_width, filters)` with `return_sequences`;
        with \"channels_first\" the channels come before the spatial axes.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, **given(locals()))
