"""Initializers with chance: plain distributions, and those scaled to a layer's fan-in and fan-out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.initializers.draws import Draws
from cornu.initializers.initializer import Initializer
from cornu.random.global_seed import next_seed

# Standard deviation of a standard normal cut off at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


class RandomInitializer(Initializer):
    """Base of the random initializers.

    Args:
        seed: An integer (each call gives the same values), a `SeedGenerator` (each call gives others), its config,
            or None: an integer drawn now from the global seed.

    Raises:
        ValueError: If the seed is none of these.
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict):
            from cornu.saving import deserialize_keras_object

            seed = deserialize_keras_object(seed)
        self._init_seed = seed
        if seed is None:
            seed = next_seed()
        elif not isinstance(seed, int) and not hasattr(seed, "next"):
            raise ValueError(
                f"{type(self).__name__}: `seed` must be an integer, a SeedGenerator or None, got {seed!r}."
            )
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {"seed": serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Normal numbers: `mean + stddev · z`.

    Args:
        mean: The mean.
        stddev: The standard deviation.
        seed: See `RandomInitializer`.

    Example:
        >>> RandomNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.asarray(self.mean + self.stddev * Draws(self.seed).normal(shape)).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal numbers, drawn again where they lie more than two standard deviations from the mean.

    Args:
        mean: The mean.
        stddev: The standard deviation before truncation.
        seed: See `RandomInitializer`.

    Example:
        >>> bool((abs(TruncatedNormal(seed=1)((99,)).numpy()) <= 0.1).all())
        True
    """

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.asarray(self.mean + self.stddev * Draws(self.seed).truncated_normal(shape)).astype(dtype)


class RandomUniform(RandomInitializer):
    """Uniform numbers in `[minval, maxval)`.

    Args:
        minval: The lower end.
        maxval: The upper end.
        seed: See `RandomInitializer`.

    Example:
        >>> RandomUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.asarray(self.minval + (self.maxval - self.minval) * Draws(self.seed).uniform(shape)).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Numbers of variance `scale / n`, n being fan-in, fan-out or their mean.

    The uniform distribution has the limits `±sqrt(3 · scale / n)`; the truncated normal one is widened so that its
    variance after truncation is `scale / n`.

    Args:
        scale: A positive factor.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: See `RandomInitializer`.
        input_axes: Axes whose sizes multiply to fan-in, with `output_axes`; None follows the shape of a kernel.
        output_axes: Axes whose sizes multiply to fan-out.

    Raises:
        ValueError: If `scale`, `mode` or `distribution` is not as described.

    Source: Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998.

    Example:
        >>> VarianceScaling(2.0, "fan_out", seed=1)((3, 3, 8, 16)).shape
        (3, 3, 8, 16)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        name = type(self).__name__
        if scale <= 0.0:
            raise ValueError(f"{name}: `scale` must be positive, got {scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"{name}: `mode` must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}.")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f"{name}: `distribution` must be 'truncated_normal', 'untruncated_normal' or 'uniform', "
                f"got {distribution!r}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        draws = Draws(self.seed)
        if self.distribution == "uniform":
            values = math.sqrt(3.0) * stddev * (2.0 * draws.uniform(shape) - 1.0)
        elif self.distribution == "untruncated_normal":
            values = stddev * draws.normal(shape)
        else:
            values = stddev / TRUNCATED_STDDEV * draws.truncated_normal(shape)
        return np.asarray(values).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Preset(VarianceScaling):
    """A `VarianceScaling` with a name of its own."""

    _settings: tuple[float, str, str]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._settings, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Preset):
    """Uniform within `±sqrt(6 / (fan_in + fan_out))`: the default for kernels.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:
        >>> bool((abs(GlorotUniform(seed=1)((3, 3)).numpy()) <= 1).all())
        True
    """

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal with variance `2 / (fan_in + fan_out)`; arguments as for `GlorotUniform`."""

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Preset):
    """Uniform within `±sqrt(6 / fan_in)`; arguments as for `GlorotUniform`."""

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal with variance `2 / fan_in`; arguments as for `GlorotUniform`."""

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform within `±sqrt(3 / fan_in)`; arguments as for `GlorotUniform`."""

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Preset):
    """Truncated normal with variance `1 / fan_in`; arguments as for `GlorotUniform`."""

    _settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns times `gain`: Q of a normal matrix's QR decomposition.

    More than two axes are seen as a matrix whose columns are the last axis. The signs are those that make R's
    diagonal positive, so that the distribution is uniform.

    Args:
        gain: The factor.
        seed: See `RandomInitializer`.

    Raises:
        ValueError: When called with a shape of fewer than two axes.

    Source: Saxe, McClelland and Ganguli 2014.

    Example:
        >>> q = Orthogonal(seed=1)((3, 2)).numpy()
        >>> bool(np.allclose(q.T @ q, np.eye(2), atol=1e-6))
        True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of at least rank 2, got {shape} of rank {len(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(Draws(self.seed).normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diagonal(r))
        matrix = q.T if rows < columns else q
        return np.asarray(self.gain * matrix.reshape(shape)).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


def compute_fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs feed an output, and how many outputs an input feeds.

    A kernel is `[..., inputs, outputs]`; the axes before are the receptive field.

    Args:
        shape: The kernel's shape.
        input_axes: With `output_axes`: the axes that count, instead of the rule above.
        output_axes: See there.

    Example:
        >>> compute_fans((3, 3, 8, 16))
        (72, 144)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field
