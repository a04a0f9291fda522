"""Normalization of channels by the statistics of the batch."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops
from cornu.composites.normalization import batch_normalization_training
from cornu.layers.input_spec import InputSpec
from cornu.layers.normalization.scaled import ScaledNormalization
from cornu.layers.settings import described, given, last_size
from cornu.tracing.variable import Variable
from cornu.utils.dtypes import resolve_dtype

_MOVING = ("moving_mean_initializer", "moving_variance_initializer")
_OWN = ("momentum", *_MOVING, "renorm", "renorm_clipping", "renorm_momentum", "synchronized")


class BatchNormalization(ScaledNormalization):
    """Normalizes every channel: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    In training mean and variance are those of the batch, and their moving averages
    `moving = moving * momentum + batch * (1 - momentum)` are kept for inference. A frozen layer
    (`trainable = False`) always infers. Where there is a mask, only what it keeps counts.

    Batch renormalization (`renorm=True`) corrects the batch's statistics towards those of many batches:
    `gamma * ((x - mean) / std * r + d) + beta` with `r = std / renorm_stddev` and
    `d = (mean - renorm_mean) / renorm_stddev`, which are no part of the gradient. `renorm_mean` and `renorm_stddev`
    are moving averages with `renorm_momentum`; inference uses `moving_mean` and `moving_stddev ** 2 - epsilon`.

    Args:
        axis: The axis of the channels.
        momentum: Of the moving averages.
        epsilon: Added to the variance.
        center: Whether `beta` is added.
        scale: Whether `gamma` multiplies.
        beta_initializer, gamma_initializer: What makes the first values.
        moving_mean_initializer, moving_variance_initializer: The same for the moving averages.
        beta_regularizer, gamma_regularizer: Functions added to the loss.
        beta_constraint, gamma_constraint: Functions applied after each update.
        renorm: Whether to renormalize.
        renorm_clipping: Bounds for it: a dict with any of "rmin", "rmax" and "dmax" (`-dmax <= d <= dmax`).
        renorm_momentum: Of the moving averages that renormalization corrects towards.
        synchronized: Whether the statistics are those of all replicas: with the one replica that there is, they are.

    Raises:
        ValueError: If the bounds of renormalization are none, or the number of channels is free.

    Shape:
        The input's; each weight has one number for each channel.

    Source:
        Ioffe and Szegedy, "Batch Normalization", 2015, arXiv:1502.03167. Ioffe, "Batch Renormalization", 2017,
        arXiv:1702.03275.

    Example:
        >>> import cornu
        >>> x = cornu.ops.array([[1.0], [3.0]])
        >>> cornu.layers.BatchNormalization()(x, training=True).numpy().round(2).tolist()
        [[-1.0], [1.0]]
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
        super().__init__(**given(locals(), *_OWN))
        self.axis = int(axis)
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = _checked_clipping(renorm_clipping, renorm)
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized

    def build(self, input_shape: Any) -> None:
        """Creates `gamma`, `beta`, `moving_mean` and `moving_variance`, each of the channels' size.

        With `renorm` also `moving_stddev`, `renorm_mean` and `renorm_stddev`.
        """
        size = last_size(input_shape, "BatchNormalization", self.name, self.axis)
        self._add_scaling((size,), self.center, self.scale)
        self.moving_mean = self._statistic("moving_mean", size, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", size, self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._statistic("moving_stddev", size, self._first_deviation)
            self.renorm_mean = self._statistic("renorm_mean", size, self._first_mean)
            self.renorm_stddev = self._statistic("renorm_stddev", size, self._first_deviation)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def _statistic(self, name: str, size: int, initializer: Any) -> Variable:
        return self.add_weight((size,), initializer, trainable=False, autocast=False, name=name)

    def _first_mean(self, shape: Any, dtype: Any = None) -> Any:
        return self.moving_mean.value

    def _first_deviation(self, shape: Any, dtype: Any = None) -> Any:
        return ops.sqrt(self.moving_variance.value)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        dtype = resolve_dtype(inputs.dtype)
        x = ops.cast(inputs, "float32") if dtype in ("float16", "bfloat16") else inputs
        if not training or not self.trainable:
            outputs = self._normalize_by(self.moving_mean, self.moving_variance, x, self.gamma, self.beta)
        else:
            outputs = self._normalize_by_batch(x, mask)
        return ops.cast(outputs, dtype)

    def _normalize_by(self, mean: Any, variance: Any, x: Any, scale: Any, offset: Any) -> Any:
        return ops.batch_normalization(x, mean, variance, self.axis, offset, scale, self.epsilon)

    def _normalize_by_batch(self, x: Any, mask: Any) -> Any:
        # Renormalization changes what comes out before the scale and the offset.
        gamma, beta = (None, None) if self.renorm else (self.gamma, self.beta)
        if mask is not None:
            mean, variance = self._masked_moments(x, mask)
            outputs = self._normalize_by(mean, variance, x, gamma, beta)
        else:
            size = self.moving_mean.shape[0]
            scale = ops.ones((size,), x.dtype) if gamma is None else ops.cast(gamma, x.dtype)
            offset = ops.zeros((size,), x.dtype) if beta is None else ops.cast(beta, x.dtype)
            channels_second = ops.moveaxis(x, self.axis, 1)
            outputs, mean, variance = batch_normalization_training(channels_second, scale, offset, self.epsilon)
            outputs = ops.moveaxis(outputs, 1, self.axis)
        mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
        if self.renorm:
            return self._renormalized(outputs, mean, variance)
        self._follow(self.momentum, (self.moving_mean, mean), (self.moving_variance, variance))
        return outputs

    def _renormalized(self, normal: Any, mean: Any, variance: Any) -> Any:
        """The normalized input, corrected, scaled and moved; the moving averages follow the batch."""
        deviation = ops.sqrt(variance + self.epsilon)
        least, most, bound = (self.renorm_clipping.get(name) for name in ("rmin", "rmax", "dmax"))
        r = ops.clip(deviation / self.renorm_stddev, least, most)
        d = (mean - self.renorm_mean) / self.renorm_stddev
        d = d if bound is None else ops.clip(d, -bound, bound)
        scale, offset = (r, d) if self.gamma is None else (r * self.gamma, d * self.gamma)
        offset = offset if self.beta is None else offset + self.beta
        self._follow(self.renorm_momentum, (self.renorm_mean, mean), (self.renorm_stddev, deviation))
        self._follow(self.momentum, (self.moving_mean, mean), (self.moving_stddev, deviation))
        self.moving_variance.assign(ops.maximum(ops.square(self.moving_stddev) - self.epsilon, 0.0))
        shape = [-1 if i == self.axis % len(normal.shape) else 1 for i in range(len(normal.shape))]
        return normal * ops.reshape(scale, shape) + ops.reshape(offset, shape)

    def _follow(self, momentum: float, *pairs: tuple[Variable, Any]) -> None:
        """Moves moving averages towards the batch's values."""
        for variable, batch in pairs:
            variable.assign(variable.value * momentum + ops.cast(batch, variable.dtype) * (1.0 - momentum))

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
        return {**super().get_config(), **described(self, *_OWN)}


def _checked_clipping(clipping: Any, renorm: bool) -> Any:
    """The bounds of a renormalization: a dict where there is one.

    Raises:
        ValueError: If they are none.
    """
    if clipping is None:
        return {} if renorm else None
    unknown = set(clipping) - {"rmin", "rmax", "dmax"}
    if unknown:
        raise ValueError(
            f"BatchNormalization: `renorm_clipping` may hold 'rmin', 'rmax' and 'dmax', got {sorted(unknown)} in "
            f"{clipping}."
        )
    if clipping.get("rmin", 0) > clipping.get("rmax", float("inf")) or clipping.get("dmax", 0) < 0:
        raise ValueError(
            f"BatchNormalization: `renorm_clipping` needs rmin <= rmax and dmax >= 0, got {dict(clipping)}."
        )
    return dict(clipping)
