"""Weights of spectral norm 1."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops
from cornu.layers.core.wrapper import Wrapper
from cornu.layers.input_spec import InputSpec
from cornu.utils.holding import holding


class SpectralNormalization(Wrapper):
    """Trains a layer with the kernel `kernel / sigma`, sigma being the kernel's largest singular value.

    Sigma comes from power iteration on the kernel as a matrix `W` of (everything else, last axis):
    `v = normalize(u W^T)`, `u = normalize(v W)`, `sigma = v W u^T`. `vector_u` keeps `u` from step to step; `u` and `v`
    are no part of the gradient.

    The kernel itself stays as it is, and inference (`training=False`) uses it as it is, as in Keras's training on JAX.
    `layer.kernel.assign(wrapper.normalized_weights()[1])` makes it the normalized one for good.

    Args:
        layer: A layer with the weight `kernel` or `embeddings`, such as `Dense`, `Conv2D` or `Embedding`.
        power_iterations: The steps of power iteration in one call.

    Raises:
        ValueError: If the number of iterations is not positive, or the layer has no such weight.

    Source:
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, arXiv:1802.05957.

    Example:
        >>> import cornu
        >>> dense = cornu.layers.Dense(2, use_bias=False, kernel_initializer=cornu.initializers.Constant(3.0))
        >>> layer = cornu.layers.SpectralNormalization(dense)  # the only singular value of the 1 by 2 kernel: 3 sqrt(2)
        >>> outputs = layer(cornu.ops.ones((1, 1)), training=True)
        >>> [round(float(x), 4) for x in outputs[0]]
        [0.7071, 0.7071]
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(f"SpectralNormalization: `power_iterations` must be above 0, got {power_iterations}.")
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside and creates `vector_u`, of the size of the kernel's last axis."""
        super().build(input_shape)
        for name in ("kernel", "embeddings"):
            if hasattr(self.layer, name):
                self.kernel = getattr(self.layer, name)
                break
        else:
            raise ValueError(
                f"SpectralNormalization layer '{self.name}': {type(self.layer).__name__} '{self.layer.name}' has "
                "neither a `kernel` nor `embeddings` to normalize."
            )
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), trainable=False, name="vector_u"
        )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return self.layer(inputs)
        u, kernel = self.normalized_weights()
        self.vector_u.assign(u)
        with holding([self.kernel], [kernel]):
            return self.layer(inputs)

    def normalized_weights(self) -> tuple[Any, Any]:
        """The next `vector_u`, and the kernel divided by its spectral norm."""
        kernel, u = self.kernel.value, self.vector_u.value
        matrix = ops.reshape(kernel, (-1, self.kernel.shape[-1]))
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(matrix)))
            u = ops.normalize(ops.matmul(v, matrix))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        return u, ops.divide(kernel, ops.reshape(sigma, ()))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}
