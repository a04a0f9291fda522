"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from cornu import activations, ops
from cornu.composites import lstm
from cornu.layers.recurrent.cell import RecurrentCell, check_units, forget_bias
from cornu.layers.recurrent.rnn_of_cell import RNNOfCell
from cornu.layers.settings import given, last_size, resolve


class LSTMCell(RecurrentCell):
    """One step of a long short-term memory.

    `i, f, o = recurrent_activation(x kernel + h recurrent_kernel + bias)` and `g = activation(...)` of the same;
    `c = f c + i g`, `h = o activation(c)`.

    Args:
        units: The size of both states and of the output.
        activation: Of `g` and `c`.
        recurrent_activation: Of the gates `i`, `f` and `o`.
        use_bias: Whether a bias is added.
        unit_forget_bias: Whether the bias of the forget gate `f` starts at 1.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        seed: A seed for the dropout.

    Raises:
        ValueError: If `units` is no positive integer, or a rate no number from 0 to 1.

    Shape:
        `(batch, features)` and states h, c `(batch, units)` → an output `(batch, units)` and the next states.

    Source:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997.
    """

    gates = 4
    settings = ("units", "recurrent_activation", "unit_forget_bias")

    def __init__(
        self,
        units: int,
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
        super().__init__(**given(locals(), "units", "recurrent_activation", "unit_forget_bias"))
        resolve(self, recurrent_activation=recurrent_activation)
        self.units = check_units(self, "units", units)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (features, 4 units), `recurrent_kernel` (units, 4 units) and `bias` (4 units,).

        The gates come in the order i, f, g, o.
        """
        features, columns = last_size(input_shape, type(self).__name__, self.name), 4 * self.units
        start = forget_bias(self.bias_initializer, self.units) if self.unit_forget_bias else None
        self._add_weights((features, columns), (self.units, columns), (columns,), start)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h, c = states
        i, f, g, o = self._sums(inputs, h, training)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        c = f * c + i * self.activation(g)
        h = o * self.activation(c)
        return h, [h, c]

    def _has_composite(self) -> bool:
        standard = type(self).call is LSTMCell.call
        return standard and (self.activation, self.recurrent_activation) == (activations.tanh, activations.sigmoid)

    def _composite(self, tensors: tuple[Any, ...], states: Any, mask: Any, reverse: bool) -> Any:
        x, kernel, recurrent, bias = tensors
        bias = ops.zeros((4 * self.units,), x.dtype) if bias is None else bias
        return lstm(x, kernel, recurrent, bias, states[0], states[1], mask, reverse)


class LSTM(RNNOfCell, cell=LSTMCell, cell_name="lstm_cell"):
    """A recurrent network with long short-term memory: see `LSTMCell` for the formula.

    With the activations' defaults all steps are one node "LSTM", also when exported; with `use_cudnn=False` they are a
    loop.

    Args:
        units: The size of both states and of the output.
        activation: Of `g` and `c`.
        recurrent_activation: Of the gates `i`, `f` and `o`.
        use_bias: Whether a bias is added.
        unit_forget_bias: Whether the bias of the forget gate `f` starts at 1.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        seed: A seed for the dropout.
        return_sequences: Whether to return the outputs of all steps rather than the last.
        return_state: Whether to return the last states h and c, too.
        go_backwards: Whether to go from the last step to the first; the outputs come in that order.
        stateful: Whether a call starts from the last states of the call before.
        unroll: Whether to write the steps out one after another.
        use_cudnn: "auto" or True for one node where possible, False for a loop.
        kwargs: `zero_output_for_mask` of `RNN`, and the arguments of every layer.

    Shape:
        `(batch, time, features)` → `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.LSTM(4, return_sequences=True, return_state=True)
        >>> [tensor.shape for tensor in layer(cornu.ops.ones((2, 5, 3)))]
        [(2, 5, 4), (2, 4), (2, 4)]
    """

    def __init__(
        self,
        units: int,
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
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals()))
