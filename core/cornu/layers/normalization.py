"""Normalization layers."""

from __future__ import annotations

from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.composites.normalization import batch_normalization_training
from cornu.layers.core import last_size, refuse
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.tracing.variable import Variable
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
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def build(self, input_shape: Any) -> None:
        """Creates `gamma`, `beta`, `moving_mean` and `moving_variance`, each of the channels' size."""
        size = last_size(input_shape, "BatchNormalization", self.name, self.axis)
        if self.scale:
            self.gamma = self.add_weight(
                (size,),
                self.gamma_initializer,
                autocast=False,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                (size,),
                self.beta_initializer,
                autocast=False,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )
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
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "synchronized": False,
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": self.renorm_momentum,
        }
