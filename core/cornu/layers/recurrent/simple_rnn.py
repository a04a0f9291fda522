"""A fully connected recurrent network."""

from __future__ import annotations

from typing import Any

from cornu import activations, ops
from cornu.composites import simple_rnn
from cornu.layers.recurrent.cell import RecurrentCell, check_units
from cornu.layers.recurrent.rnn_of_cell import RNNOfCell
from cornu.layers.settings import given, last_size

_COMPOSITES = {activations.tanh: "tanh", activations.relu: "relu"}


class SimpleRNNCell(RecurrentCell):
    """One step of a recurrent network: `h = activation(x kernel + h recurrent_kernel + bias)`.

    Args:
        units: The size of the state and of the output.
        activation: Of the output.
        use_bias: Whether a bias is added.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        seed: A seed for the dropout.

    Raises:
        ValueError: If `units` is no positive integer, or a rate no number from 0 to 1.

    Shape:
        `(batch, features)` and a state `(batch, units)` → an output `(batch, units)` and the next state.

    Example:
        >>> import cornu
        >>> cell = cornu.layers.SimpleRNNCell(4)
        >>> output, states = cell(cornu.ops.ones((2, 3)), cell.get_initial_state(batch_size=2))
        >>> output.shape, len(states)
        ((2, 4), 1)
    """

    settings = ("units",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        super().__init__(**given(locals(), "units"))
        self.units = check_units(self, "units", units)
        self.state_size = units
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (features, units), `recurrent_kernel` (units, units) and `bias` (units,)."""
        features = last_size(input_shape, type(self).__name__, self.name)
        self._add_weights((features, self.units), (self.units, self.units), (self.units,))

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        state = states[0] if isinstance(states, (list, tuple)) else states
        (total,) = self._sums(sequence, state, training)
        output = self.activation(total)
        return output, [output] if isinstance(states, (list, tuple)) else output

    def _has_composite(self) -> bool:
        return type(self).call is SimpleRNNCell.call and self.activation in _COMPOSITES

    def _composite(self, tensors: tuple[Any, ...], states: Any, mask: Any, reverse: bool) -> Any:
        x, kernel, recurrent, bias = tensors
        bias = ops.zeros((self.units,), x.dtype) if bias is None else bias
        return simple_rnn(x, kernel, recurrent, bias, states[0], mask, reverse, _COMPOSITES[self.activation])


class SimpleRNN(RNNOfCell, cell=SimpleRNNCell, cell_name="simple_rnn_cell"):
    """A fully connected recurrent network: `h = activation(x kernel + h recurrent_kernel + bias)`.

    Args:
        units: The size of the state and of the output.
        activation: Of the output.
        use_bias: Whether a bias is added.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        return_sequences: Whether to return the outputs of all steps rather than the last.
        return_state: Whether to return the last state, too.
        go_backwards: Whether to go from the last step to the first; the outputs come in that order.
        stateful: Whether a call starts from the last states of the call before.
        unroll: Whether to write the steps out one after another.
        seed: A seed for the dropout.
        kwargs: `zero_output_for_mask` of `RNN`, and the arguments of every layer.

    Shape:
        `(batch, time, features)` → `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Example:
        >>> import cornu
        >>> cornu.layers.SimpleRNN(4)(cornu.ops.ones((2, 5, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals()))

    def get_config(self) -> dict[str, Any]:
        # As in Keras, the seed stays out.
        return {name: value for name, value in super().get_config().items() if name != "seed"}
