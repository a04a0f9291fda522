"""Layers that sharpen, blur and solarize images at random, and two that spread their values over the whole range."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import ops, random
from cornu.layers.preprocessing.image_layer import (
    BaseImagePreprocessingLayer,
    RandomFactorLayer,
    clipped,
    factor_bounds,
    standard_range,
)
from cornu.layers.settings import standard_tuple

# The weights of a pixel and its neighbours in a smoothed image.
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], "float32") / 13


def filtered(images: Any, kernel: Any, data_format: str) -> Any:
    """Every channel convolved with a kernel [height, width]; what lies outside counts as 0."""
    batched = images if len(images.shape) == 4 else ops.expand_dims(images, 0)
    channels = batched.shape[-1] if data_format == "channels_last" else batched.shape[1]
    weights = ops.tile(ops.reshape(ops.cast(kernel, images.dtype), (*ops.shape(kernel), 1, 1)), (1, 1, channels, 1))
    found = ops.depthwise_conv(batched, weights, padding="same", data_format=data_format)
    return found if len(images.shape) == 4 else ops.squeeze(found, 0)


class RandomSharpness(RandomFactorLayer):
    """Blurred or sharpened images: `s + 2 f (x - s)` with the smoothed image `s`, and `f` drawn for each.

    Args:
        factor: The bounds of `f`: 0 smooths images, 0.5 leaves them, 1 sharpens them; one number `a` means (0, a).
        value_range: The least and the greatest value that images have.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [0, 1].
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        smooth = filtered(images, _SMOOTH, self.data_format)
        return clipped(smooth + (images - smooth) * (transformation["factor"] * 2.0), self.value_range)


class RandomGaussianBlur(RandomFactorLayer):
    """Images convolved with a Gaussian, each with a probability `p`, which is drawn for each, too.

    Args:
        factor: The bounds of `p`; one number `a` means (0, a).
        kernel_size: The Gaussian's width and height in pixels; one number for both.
        sigma: The bounds of its standard deviations across and down, which are drawn for each batch; one number `a`
            means (0, a).
        value_range: The least and the greatest value that images have.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)
        self.kernel_size = standard_tuple(kernel_size, 2, "kernel_size")
        self.sigma = factor_bounds(sigma, "sigma", 0, float("inf"), layer="RandomGaussianBlur")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        # A Gaussian of width 0 has no formula; one this narrow is as good.
        low, high = (max(float(bound), 1e-4) for bound in self.sigma)
        sigma = random.uniform((2,), low, high, dtype="float32", seed=seed or self.generator)
        return {"chosen": self.chosen(data, self.factor, seed), "sigma": sigma}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        blurred = ops.image.gaussian_blur(images, self.kernel_size, transformation["sigma"], self.data_format)
        return ops.where(transformation["chosen"], clipped(blurred, self.value_range), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size, "sigma": self.sigma}


class Solarization(BaseImagePreprocessingLayer):
    """Images with bright values made negative: `max - y` where `y = x + a (max - min)` is not below a threshold.

    The threshold is `min + t (max - min)`; `a` and `t` are drawn for each image.

    Args:
        addition_factor: The bounds of `a` within [0, 1]; one number `b` means (0, b).
        threshold_factor: The bounds of `t`.
        value_range: The least and the greatest value that images have.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If a factor is not within [0, 1].

    Example:
        >>> import cornu
        >>> layer = cornu.layers.Solarization(threshold_factor=(0.5, 0.5), value_range=(0, 1))
        >>> layer(cornu.ops.reshape([0.25, 0.75], (1, 2, 1)), training=True).numpy().ravel().tolist()
        [0.25, 0.25]
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = factor_bounds(addition_factor, "addition_factor", 0, 1, layer="Solarization")
        self.threshold_factor = factor_bounds(threshold_factor, "threshold_factor", 0, 1, layer="Solarization")
        self.value_range = standard_range(value_range, "Solarization")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        addition = self.drawn(data, self.addition_factor, seed)
        return {"addition": addition, "threshold": self.drawn(data, self.threshold_factor, seed)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        low, high = self.value_range
        brighter = clipped(images + transformation["addition"] * (high - low), self.value_range)
        threshold = transformation["threshold"] * (high - low) + low
        return ops.where(brighter < threshold, brighter, high - brighter)

    def get_config(self) -> dict[str, Any]:
        names = ("addition_factor", "threshold_factor", "value_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class AutoContrast(BaseImagePreprocessingLayer):
    """Every channel of an image stretched over the whole range; a channel of one value stays as it is.

    It acts in inference, too.

    Args:
        value_range: The least and the greatest value that images have.

    Raises:
        ValueError: If the range is not two numbers.

    Example:
        >>> import cornu
        >>> image = cornu.ops.reshape([10.0, 20.0, 15.0], (1, 3, 1))
        >>> cornu.layers.AutoContrast()(image).numpy().ravel().tolist()
        [0.0, 255.0, 127.5]
    """

    only_in_training = False
    draws = False

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = standard_range(value_range, "AutoContrast")

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        low, high = self.value_range
        least, most = (f(images, axis=self.spatial_axes, keepdims=True) for f in (ops.min, ops.max))
        varies = most > least
        stretched = (images - least) / ops.where(varies, most - least, 1.0) * (high - low) + low
        return ops.where(varies, stretched, images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}


class Equalization(BaseImagePreprocessingLayer):
    """Images whose values are spread evenly over the range, channel by channel, in training only.

    A value becomes `(c - c0) / (n - c0)` of the range, rounded to one of 256 shades: `c` of the batch's `n` values in
    the channel lie in its bin or below, and `c0` in the lowest bin. A channel with one bin stays as it is.

    Args:
        value_range: The least and the greatest value that images have.
        bins: How many bins values are counted in.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the range is not two numbers, or there are fewer than 2 bins.
    """

    casts_in_inference = False
    draws = False

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = standard_range(value_range, "Equalization")
        if not isinstance(bins, int) or bins < 2:
            raise ValueError(f"Equalization: `bins` must be an integer of at least 2, got {bins!r}.")
        self.bins = bins

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        low, high = self.value_range
        shades = (ops.cast(images, "float32") - low) * (255.0 / (high - low))
        inside = ops.clip(ops.floor(shades * ((self.bins - 1) / 255.0)), 0, self.bins - 1)
        number = ops.cast(inside, "int32")
        axis = len(images.shape) + self.channel_axis
        channels = images.shape[axis]
        # The bin of a value among those of all channels, so that one count serves them all.
        shape = [channels if i == axis else 1 for i in range(len(images.shape))]
        place = number + ops.reshape(ops.arange(channels) * self.bins, shape)
        flat = ops.reshape(place, (-1,))
        counts = ops.segment_sum(ops.ones_like(flat), flat, num_segments=channels * self.bins)
        below = ops.cast(ops.cumsum(ops.reshape(counts, (channels, self.bins)), axis=1), "float32")
        total = below[:, -1:]
        least = ops.min(ops.where(below > 0, below, total), axis=1, keepdims=True)
        varies = total > least
        table = ops.round((below - least) / ops.where(varies, total - least, 1.0) * 255.0)
        found = ops.take(ops.reshape(table, (-1,)), place) * ((high - low) / 255.0) + low
        spread = ops.take(ops.reshape(ops.broadcast_to(varies, ops.shape(table)), (-1,)), place)
        return ops.where(spread, found, ops.cast(images, "float32"))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bins": self.bins, "value_range": self.value_range}
