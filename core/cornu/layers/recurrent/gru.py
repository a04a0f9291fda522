"""Gated recurrent units."""

from __future__ import annotations

from typing import Any

from cornu import activations, ops
from cornu.composites import gru
from cornu.layers.recurrent.cell import RecurrentCell, check_units
from cornu.layers.recurrent.rnn_of_cell import RNNOfCell
from cornu.layers.settings import given, last_size, resolve


class GRUCell(RecurrentCell):
    """One step of a gated recurrent unit.

    `z, r = recurrent_activation(x kernel + h recurrent_kernel + bias)`; the new state is `h = z h + (1 - z) n` with
    `n = activation(x kernel + r (h recurrent_kernel + bias[1]) + bias[0])` or, without `reset_after`,
    `n = activation(x kernel + (r h) recurrent_kernel + bias)`.

    Args:
        units: The size of the state and of the output.
        activation: Of the candidate `n`.
        recurrent_activation: Of the gates `z` and `r`.
        use_bias: Whether a bias is added.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        reset_after: Whether the reset gate `r` acts after the product with the recurrent kernel.
        seed: A seed for the dropout.

    Raises:
        ValueError: If `units` is no positive integer, or a rate no number from 0 to 1.

    Shape:
        `(batch, features)` and a state `(batch, units)` → an output `(batch, units)` and the next state.

    Source:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, arXiv:1406.1078.
    """

    gates = 3
    settings = ("units", "recurrent_activation", "reset_after")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals(), "units", "recurrent_activation", "reset_after"))
        resolve(self, recurrent_activation=recurrent_activation)
        self.units = check_units(self, "units", units)
        self.reset_after = reset_after
        self.state_size = units
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (features, 3 units), `recurrent_kernel` (units, 3 units) and `bias`.

        The gates come in the order z, r, n. The bias is of shape (2, 3 units) with `reset_after`, else (3 units,).
        """
        features, columns = last_size(input_shape, type(self).__name__, self.name), 3 * self.units
        bias = (2, columns) if self.reset_after else (columns,)
        self._add_weights((features, columns), (self.units, columns), bias)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h = states[0] if isinstance(states, (list, tuple)) else states
        outer, inner = self.bias, None
        if self.bias is not None and self.reset_after:
            outer, inner = ops.unstack(self.bias)
        x_z, x_r, x_n = self._project(self._inputs_for_gates(inputs, training), self.kernel, outer)
        seen = self._state_for_gates(h, training)
        if self.reset_after:
            h_z, h_r, h_n = self._project(seen, self.recurrent_kernel, inner)
        else:
            kernels = ops.split(self.recurrent_kernel, 3, axis=-1)
            seen = seen if len(seen) == 3 else seen * 3
            h_z, h_r = ops.matmul(seen[0], kernels[0]), ops.matmul(seen[1], kernels[1])
        z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
        if not self.reset_after:
            n = self.activation(x_n + ops.matmul(r * seen[2], kernels[2]))
        else:
            n = self.activation(x_n + r * h_n)
        output = z * h + (1 - z) * n
        return output, [output] if isinstance(states, (list, tuple)) else output

    def _has_composite(self) -> bool:
        standard = type(self).call is GRUCell.call and self.reset_after
        return standard and (self.activation, self.recurrent_activation) == (activations.tanh, activations.sigmoid)

    def _composite(self, tensors: tuple[Any, ...], states: Any, mask: Any, reverse: bool) -> Any:
        x, kernel, recurrent, bias = tensors
        bias = ops.zeros((2, 3 * self.units), x.dtype) if bias is None else bias
        return gru(x, kernel, recurrent, bias, states[0], mask, reverse)


class GRU(RNNOfCell, cell=GRUCell, cell_name="gru_cell"):
    """A recurrent network of gated units: see `GRUCell` for the formula.

    With the activations' defaults and `reset_after` all steps are one node "GRU", also when exported; with
    `use_cudnn=False` they are a loop.

    Args:
        units: The size of the state and of the output.
        activation: Of the candidate `n`.
        recurrent_activation: Of the gates `z` and `r`.
        use_bias: Whether a bias is added.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        seed: A seed for the dropout.
        return_sequences: Whether to return the outputs of all steps rather than the last.
        return_state: Whether to return the last state, too.
        go_backwards: Whether to go from the last step to the first; the outputs come in that order.
        stateful: Whether a call starts from the last states of the call before.
        unroll: Whether to write the steps out one after another.
        reset_after: Whether the reset gate `r` acts after the product with the recurrent kernel.
        use_cudnn: "auto" or True for one node where possible, False for a loop.
        kwargs: `zero_output_for_mask` of `RNN`, and the arguments of every layer.

    Shape:
        `(batch, time, features)` → `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Example:
        >>> import cornu
        >>> cornu.layers.GRU(4, return_sequences=True)(cornu.ops.ones((2, 5, 3))).shape
        (2, 5, 4)
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
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals()))
