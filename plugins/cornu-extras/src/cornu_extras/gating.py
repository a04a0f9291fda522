"""Layers in which one part of the features decides how much of another goes on."""

from __future__ import annotations

from typing import Any

from cornu import activations, initializers, ops
from cornu.layers import Dense, Layer

from cornu_extras.checks import last_size, positive_integer


class SqueezeExcite(Layer):
    """Weighs channels by what the whole input holds: `x ⊙ gate(W₂ act(W₁ mean(x)))`, the mean over all places.

    Args:
        ratio: How many times fewer hidden features than channels there are.
        activation: The hidden activation.
        gate_activation: The activation of the weights.

    Shape:
        `(batch, ..., channels)` with one or more axes of places → the same.

    Raises:
        ValueError: The ratio is no positive integer, or the input has no axis of places.

    Source:
        Hu, Shen and Sun, "Squeeze-and-Excitation Networks", CVPR 2018.

    Example:
        >>> SqueezeExcite(4)(cornu.ops.ones((2, 8, 8, 16))).shape
        (2, 8, 8, 16)
    """

    def __init__(
        self, ratio: int = 16, activation: Any = "relu", gate_activation: Any = "sigmoid", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.ratio = positive_integer("SqueezeExcite", "ratio", ratio)
        self.activation = activations.get(activation)
        self.gate_activation = activations.get(gate_activation)

    def build(self, input_shape: Any) -> None:
        """Creates the layers `squeeze` and `excite`."""
        if len(input_shape) < 3:
            raise ValueError(
                f"SqueezeExcite {self.name!r} needs an input (batch, ..., channels) with an axis of places, got shape "
                f"{input_shape}."
            )
        channels = last_size("SqueezeExcite", self.name, input_shape)
        hidden = max(1, channels // self.ratio)
        self.squeeze = Dense(hidden, activation=self.activation, dtype=self.dtype_policy, name="squeeze")
        self.excite = Dense(channels, activation=self.gate_activation, dtype=self.dtype_policy, name="excite")
        self.squeeze.build((None, channels))
        self.excite.build((None, hidden))

    def call(self, inputs: Any) -> Any:
        """Weighs the channels."""
        places = tuple(range(1, len(inputs.shape) - 1))
        weights = self.excite(self.squeeze(ops.mean(inputs, axis=places)))
        return ops.multiply(inputs, ops.expand_dims(weights, places))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "ratio": self.ratio,
            "activation": activations.serialize(self.activation),
            "gate_activation": activations.serialize(self.gate_activation),
        }


class GatedLinearUnit(Layer):
    """A dense layer with a gate: `activation(x W + b) ⊙ (x V + c)`.

    Args:
        units: The size of the output's last axis.
        activation: The activation of the gate.
        use_bias: Whether biases are added.
        kernel_initializer: What makes the first kernels.
        bias_initializer: What makes the first biases.

    Shape:
        `(batch, ..., features)` → `(batch, ..., units)`.

    Raises:
        ValueError: `units` is no positive integer.

    Source:
        Dauphin et al., "Language Modeling with Gated Convolutional Networks", ICML 2017; Shazeer, "GLU Variants Improve
        Transformer", arXiv:2002.05202, 2020.

    Example:
        >>> GatedLinearUnit(4)(cornu.ops.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "sigmoid",
        use_bias: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive_integer(type(self).__name__, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `gate_kernel` and `kernel` (features, units), and `gate_bias` and `bias` (units,)."""
        shape = (last_size(type(self).__name__, self.name, input_shape), self.units)
        self.gate_kernel = self.add_weight(shape, self.kernel_initializer, name="gate_kernel")
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        self.gate_bias = self.bias = None
        if self.use_bias:
            self.gate_bias = self.add_weight((self.units,), self.bias_initializer, name="gate_bias")
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        """Computes gate and values."""
        gate, values = ops.matmul(inputs, self.gate_kernel), ops.matmul(inputs, self.kernel)
        if self.use_bias:
            gate, values = ops.add(gate, self.gate_bias), ops.add(values, self.bias)
        return ops.multiply(self.activation(gate), values)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


class GEGLU(GatedLinearUnit):
    """A gated unit whose gate is a Gaussian error linear unit: `gelu(x W + b) ⊙ (x V + c)`.

    Args:
        units: The size of the output's last axis.
        activation: The activation of the gate.
        kwargs: Those of `GatedLinearUnit`.

    Source:
        Shazeer, "GLU Variants Improve Transformer", arXiv:2002.05202, 2020.

    Example:
        >>> GEGLU(4)(cornu.ops.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(self, units: int, activation: Any = "gelu", **kwargs: Any) -> None:
        super().__init__(units, activation, **kwargs)


class SwiGLU(GatedLinearUnit):
    """A gated unit whose gate is a swish: `silu(x W + b) ⊙ (x V + c)`.

    Args:
        units: The size of the output's last axis.
        activation: The activation of the gate.
        kwargs: Those of `GatedLinearUnit`.

    Source:
        Shazeer, "GLU Variants Improve Transformer", arXiv:2002.05202, 2020.

    Example:
        >>> SwiGLU(4)(cornu.ops.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(self, units: int, activation: Any = "silu", **kwargs: Any) -> None:
        super().__init__(units, activation, **kwargs)
