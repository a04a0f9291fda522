"""A layer over Cornu's composite LSTM, for as long as Cornu has no `layers.LSTM`."""

from __future__ import annotations

from typing import Any

import cornu
from cornu import ops
from cornu.composites import lstm


class LSTM(cornu.layers.Layer):  # type: ignore[misc]
    """Keras's LSTM with its defaults: the last output of [batch, time, features].

    Args:
        units: The size of the state.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        """Creates the kernel, the recurrent kernel and the bias; that of the forget gate starts at 1."""
        units = self.units
        self.kernel = self.add_weight((input_shape[-1], 4 * units), "glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight((units, 4 * units), "orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight((4 * units,), "zeros", name="bias")
        start = self.bias.numpy()
        start[units : 2 * units] = 1.0
        self.bias.assign(start)

    def call(self, inputs: Any) -> Any:
        """The state after the last step."""
        first = ops.zeros((ops.shape(inputs)[0], self.units))
        weights = [ops.convert_to_tensor(weight) for weight in (self.kernel, self.recurrent_kernel, self.bias)]
        return lstm(ops.transpose(inputs, (1, 0, 2)), *weights, first, first)[1]
