"""The densely connected layer."""

from __future__ import annotations

from typing import Any

from cornu import activations, ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import described, last_size, of_weights, refuse, resolve, weight


class Dense(Layer):
    """A densely connected layer: `activation(inputs @ kernel + bias)`.

    Args:
        units: The size of the output's last axis.
        activation: A function or its name.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: What makes the first values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Functions added to the loss.
        kernel_constraint, bias_constraint: Functions applied after each update.

    Shape:
        `(batch, ..., input_dim)` → `(batch, ..., units)`.

    Example:
        >>> import cornu
        >>> cornu.layers.Dense(4)(cornu.ops.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        refuse("Dense", lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                f"Received an invalid value for `units`, expected a positive integer. Received: units={units}"
            )
        self.units = units
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
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (input_dim, units) and `bias` (units,)."""
        size = last_size(input_shape, "Dense", self.name)
        self.kernel = weight(self, "kernel", (size, self.units))
        self.bias = weight(self, "bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        config = described(self, "units", "activation", "use_bias", *of_weights("kernel", "bias"))
        return {**super().get_config(), **config, "quantization_config": None}
