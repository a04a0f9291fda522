"""Normalization layers."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops
from cornu.composites.normalization import batch_normalization_training
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import described, last_size, of_weights, refuse, resolve, weight
from cornu.utils.dtypes import resolve_dtype


class BatchNormalization(Layer):
    """Normalizes every channel: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    In training mean and variance are those of the batch, and their moving averages
    `moving = moving * momentum + batch * (1 - momentum)` are kept for inference. A frozen layer
    (`trainable = False`) always infers.

    Args:
        axis: The axis of the channels.
        momentum: Of the moving averages.
        epsilon: Added to the variance.
        center: Whether `beta` is added.
        scale: Whether `gamma` multiplies.

    Source:
        Ioffe and Szegedy, "Batch Normalization", 2015, arXiv:1502.03167.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse("BatchNormalization", renorm=renorm or None, renorm_clipping=renorm_clipping)
        refuse("BatchNormalization", synchronized=synchronized or None)
        self.axis = int(axis)
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.renorm_momentum = renorm_momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        resolve(
            self,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `gamma`, `beta`, `moving_mean` and `moving_variance`, each of the channels' size."""
        size = last_size(input_shape, "BatchNormalization", self.name, self.axis)
        self.gamma = weight(self, "gamma", (size,), autocast=False) if self.scale else None
        self.beta = weight(self, "beta", (size,), autocast=False) if self.center else None
        self.moving_mean = self.add_weight(
            (size,), self.moving_mean_initializer, trainable=False, autocast=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            (size,), self.moving_variance_initializer, trainable=False, autocast=False, name="moving_variance"
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        dtype = resolve_dtype(inputs.dtype)
        x = ops.cast(inputs, "float32") if dtype in ("float16", "bfloat16") else inputs
        if not training or not self.trainable:
            outputs = ops.batch_normalization(
                x, self.moving_mean, self.moving_variance, self.axis, self.beta, self.gamma, self.epsilon
            )
        elif mask is not None:
            mean, variance = self._masked_moments(x, mask)
            self._follow(mean, variance)
            outputs = ops.batch_normalization(x, mean, variance, self.axis, self.beta, self.gamma, self.epsilon)
        else:
            outputs = self._normalize_by_batch(x)
        return ops.cast(outputs, dtype)

    def _normalize_by_batch(self, x: Any) -> Any:
        size = self.moving_mean.shape[0]
        gamma = ops.ones((size,), x.dtype) if self.gamma is None else ops.cast(self.gamma, x.dtype)
        beta = ops.zeros((size,), x.dtype) if self.beta is None else ops.cast(self.beta, x.dtype)
        channels_second = ops.moveaxis(x, self.axis, 1)
        outputs, mean, variance = batch_normalization_training(channels_second, gamma, beta, self.epsilon)
        self._follow(mean, variance)
        return ops.moveaxis(outputs, 1, self.axis)

    def _follow(self, mean: Any, variance: Any) -> None:
        """Moves the moving averages towards the batch's values."""
        for variable, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            batch = ops.cast(ops.stop_gradient(batch), variable.dtype)
            variable.assign(variable.value * self.momentum + batch * (1.0 - self.momentum))

    def _masked_moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance over the elements that the mask keeps."""
        axes = tuple(i for i in range(len(x.shape)) if i != self.axis % len(x.shape))
        weights = ops.cast(mask, x.dtype)
        for _ in range(len(x.shape) - len(weights.shape)):
            weights = ops.expand_dims(weights, -1)
        weights = ops.broadcast_to(weights, ops.shape(x))
        total = ops.sum(weights, axis=axes, keepdims=True) + 1e-7
        mean = ops.sum(weights * x, axis=axes, keepdims=True) / total
        variance = ops.sum(weights * ops.square(x - mean), axis=axes) / ops.squeeze(total, axes)
        return ops.squeeze(mean, axes), variance

    def get_config(self) -> dict[str, Any]:
        moving = ("moving_mean_initializer", "moving_variance_initializer")
        names = ("axis", "momentum", "epsilon", "center", "scale", *of_weights("beta", "gamma"), *moving)
        absent = {"synchronized": False, "renorm": False, "renorm_clipping": None}
        return {**super().get_config(), **described(self, *names, "renorm_momentum"), **absent}
