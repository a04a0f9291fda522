"""Dense layers between any axes."""

from __future__ import annotations

import copy
from typing import Any

from cornu import activations, initializers, ops
from cornu.layers.core.einsum_equation import Equation
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import described, of_weights, refuse, resolve, weight


class EinsumDense(Layer):
    """A dense layer written as a sum over named axes: `activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: The axes of the input, the kernel and the output, as in "abc,cd->abd". Input and output may both
            begin, or both end, with `...` for further axes.
        output_shape: The sizes of the output's named axes, without the batch where there is no `...` in front; None
            is the input's size of that axis. A single size may stand alone.
        activation: A function or its name.
        bias_axes: The output's axes that the bias has; None for no bias.
        kernel_initializer, bias_initializer: What makes the first values. Where it depends on the numbers of inputs
            and outputs, these are the kernel's axes that the output lacks, and those that it has.
        kernel_regularizer, bias_regularizer: Functions added to the loss.
        kernel_constraint, bias_constraint: Functions applied after each update.

    Raises:
        ValueError: If the equation is not of this form, does not fit the shapes, or leaves a size of a weight free.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 4), bias_axes="de")
        >>> layer(cornu.ops.ones((1, 5, 3))).shape, layer.kernel.shape, layer.bias.shape
        ((1, 5, 2, 4), (3, 2, 4), (2, 4))
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse("EinsumDense", lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        refuse("EinsumDense", gptq_unpacked_column_size=gptq_unpacked_column_size)
        self.equation = equation
        self._parsed = Equation(equation, bias_axes, self.name)
        self.partial_output_shape = tuple(output_shape) if isinstance(output_shape, (list, tuple)) else (output_shape,)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        resolve(
            self,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Creates `kernel`, and `bias` if it has axes."""
        shapes = self._parsed.shapes(tuple(input_shape), self.partial_output_shape)
        initializer = _with_fans(self.kernel_initializer, *self._parsed.fan_axes())
        self.kernel = weight(self, "kernel", shapes.kernel, initializer=initializer)
        self.bias = None if shapes.bias is None else weight(self, "bias", shapes.bias)
        self.input_spec = InputSpec(ndim=len(input_shape))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        names = ("equation", "activation", "bias_axes", *of_weights("kernel", "bias"), "activity_regularizer")
        config = {"output_shape": self.partial_output_shape, **described(self, *names), "quantization_config": None}
        return {**super().get_config(), **config}


def _with_fans(initializer: Any, input_axes: tuple[int, ...], output_axes: tuple[int, ...]) -> Any:
    """The initializer with these axes for inputs and outputs, if it takes any and has none of its own."""
    if not isinstance(initializer, initializers.VarianceScaling):
        return initializer
    if initializer.input_axes is not None or initializer.output_axes is not None:
        return initializer
    initializer = copy.copy(initializer)
    initializer.input_axes, initializer.output_axes = input_axes, output_axes
    return initializer
