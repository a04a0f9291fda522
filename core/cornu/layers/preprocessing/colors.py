"""Layers that change the colours of images at random, in training only."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.preprocessing.image_layer import (
    BaseImagePreprocessingLayer,
    RandomFactorLayer,
    clipped,
    standard_range,
)


class RandomContrast(RandomFactorLayer):
    """Images with another contrast: `(x - mean) c + mean` for each channel, with `c` drawn for each image.

    Args:
        factor: Two numbers `a`, `b` in [0, 1]: `c` lies in [1 - a, 1 + b]; one number means (0, b).
        value_range: The least and the greatest value that images have.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [0, 1].
    """

    casts_in_inference = False

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"contrast_factor": self.drawn(data, (1.0 - self.factor[0], 1.0 + self.factor[1]), seed)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        mean = ops.mean(images, axis=self.spatial_axes, keepdims=True)
        return clipped((images - mean) * transformation["contrast_factor"] + mean, self.value_range)


class RandomBrightness(RandomFactorLayer):
    """Brighter or darker images: `x + f (max - min)`, with `f` drawn for each.

    Args:
        factor: The bounds of `f`; one number `a` means (-a, a).
        value_range: The least and the greatest value that images have.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [-1, 1].

    Example:
        >>> import cornu
        >>> layer = cornu.layers.RandomBrightness((0.5, 0.5), value_range=(0, 1))
        >>> layer(cornu.ops.full((1, 2, 1), 0.25), training=True).numpy().ravel().tolist()
        [0.75, 0.75]
    """

    casts_in_inference = False
    least, symmetric = -1.0, True

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        low, high = self.value_range
        return clipped(images + transformation["factor"] * (high - low), self.value_range)


class _HueAndSaturation(RandomFactorLayer):
    """Base of layers that change images as hue, saturation and value."""

    casts_in_inference = False

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)

    def _changed(self, hue: Any, saturation: Any, transformation: Any) -> tuple[Any, Any]:
        raise TypeError(f"{type(self).__name__} must override `_changed`.")

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        low, high = self.value_range
        hsv = ops.image.rgb_to_hsv((images - low) / (high - low), data_format=self.data_format)
        hue, saturation, value = ops.split(hsv, 3, axis=self.channel_axis)
        hue, saturation = self._changed(hue, saturation, transformation)
        parts = [hue, saturation, ops.cast(value, hue.dtype)]
        rgb = ops.image.hsv_to_rgb(ops.concatenate(parts, axis=self.channel_axis), data_format=self.data_format)
        return clipped(rgb * (high - low) + low, self.value_range)


class RandomHue(_HueAndSaturation):
    """Images with other hues: all of an image are moved by `f / 2` on the circle of hues, forwards or backwards.

    Args:
        factor: The bounds of `f` within [0, 1]; one number `a` means (0, a).
        value_range: The least and the greatest value that images have.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [0, 1], or images do not have three channels.
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        size = self.drawn(data, self.factor, seed) * 0.5
        return {"factor": ops.where(self.chosen(data, (0.5, 0.5), seed), size, -size)}

    def _changed(self, hue: Any, saturation: Any, transformation: Any) -> tuple[Any, Any]:
        moved = ops.mod(hue + transformation["factor"], 1.0)
        return moved, ops.cast(saturation, moved.dtype)


class RandomSaturation(_HueAndSaturation):
    """Paler or more colourful images: the saturation times `f / (1 - f)`, at most 1, with `f` drawn for each.

    Args:
        factor: The bounds of `f`: 0 makes images grey, 0.5 leaves them, 1 makes them as colourful as can be. One
            number `a` means (-a, a); below 0 images are grey, too.
        value_range: The least and the greatest value that images have.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [-1, 1], or images do not have three channels.
    """

    least, symmetric = -1.0, True

    def _changed(self, hue: Any, saturation: Any, transformation: Any) -> tuple[Any, Any]:
        factor = transformation["factor"]
        changed = ops.clip(saturation * (factor / ops.maximum(1.0 - factor, 1e-7)), 0.0, 1.0)
        return ops.cast(hue, changed.dtype), changed


class RandomColorDegeneration(RandomFactorLayer):
    """Images between their colours and grey: `x (1 - f) + grey f`, with `f` drawn for each.

    Args:
        factor: The bounds of `f`; one number `a` means (-a, a).
        value_range: The least and the greatest value that images have.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [-1, 1], or images do not have three channels.
    """

    casts_in_inference = False
    least, symmetric = -1.0, True

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        grey, share = ops.image.rgb_to_grayscale(images, data_format=self.data_format), transformation["factor"]
        return clipped(images + (grey - images) * share, self.value_range)


class RandomGrayscale(BaseImagePreprocessingLayer):
    """Images made grey, each with a probability; they keep their three channels.

    Args:
        factor: The probability.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [0, 1].
    """

    casts_in_inference = False

    def __init__(self, factor: float = 0.5, data_format: str | None = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise ValueError(f"RandomGrayscale: `factor` should be between 0 and 1. Received: factor={factor!r}")
        self.factor = factor

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return self.chosen(data, (self.factor, self.factor), seed)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return ops.where(transformation, ops.image.rgb_to_grayscale(images, data_format=self.data_format), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomInvert(RandomFactorLayer):
    """Negatives, `max - x`, of images, each with a probability `p`, which is drawn for each, too.

    Args:
        factor: The bounds of `p`; one number `a` means (0, a).
        value_range: The least and the greatest value that images have.
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the factor is not within [0, 1].
    """

    casts_in_inference = False

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return self.chosen(data, self.factor, seed)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return ops.where(transformation, self.value_range[1] - images, images)


class RandomPosterization(RandomFactorLayer):
    """Images with few shades: of the 8 bits of a value only the first `b` are kept, with `b` drawn for each.

    Args:
        factor: Two numbers in [1, 8], of which `b` is at least the first and below the second, or just that number
            where they are the same; one number `a` means (1, a).
        value_range: The least and the greatest value that images have.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If the factor is not within [1, 8].

    Example:
        >>> import cornu
        >>> layer = cornu.layers.RandomPosterization((1, 1))
        >>> layer(cornu.ops.reshape([100.0, 200.0], (1, 2, 1)), training=True).numpy().ravel().tolist()
        [0.0, 128.0]
    """

    casts_in_inference = False
    least, most = 1.0, 8.0

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)
        low, high = self.factor if isinstance(factor, (tuple, list)) else (1, factor)
        if low != int(low) or high != int(high):
            raise ValueError(f"RandomPosterization: `factor` counts bits, got {factor!r}.")
        self.factor = (int(low), int(high))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        low, high = float(self.factor[0]), float(self.factor[1])
        return {"bits": ops.floor(self.drawn(data, (low, high), seed))}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        low, high = self.value_range
        step = ops.power(2.0, 8.0 - transformation["bits"])
        shades = (ops.cast(images, "float32") - low) * (255.0 / (high - low))
        return ops.floor(ops.floor(shades) / step) * step * ((high - low) / 255.0) + low


class RandomColorJitter(BaseImagePreprocessingLayer):
    """Brightness, contrast, saturation and hue changed at random, one after the other.

    Args:
        value_range: The least and the greatest value that images have.
        brightness_factor: See `RandomBrightness`; left as it is if missing, as are the others.
        contrast_factor: See `RandomContrast`.
        saturation_factor: See `RandomSaturation`.
        hue_factor: See `RandomHue`.
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a factor is out of its range.
    """

    casts_in_inference = False

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.value_range = standard_range(value_range, "RandomColorJitter")
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        self._steps = []
        for name, kind, factor in (
            ("random_brightness", RandomBrightness, brightness_factor),
            ("random_contrast", RandomContrast, contrast_factor),
            ("random_saturation", RandomSaturation, saturation_factor),
            ("random_hue", RandomHue, hue_factor),
        ):
            if factor is not None:
                layer = kind(factor, value_range, seed=seed, data_format=self.data_format, dtype=self.dtype_policy)
                setattr(self, name, layer)
                self._steps.append(layer)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return [layer.get_random_transformation(data, training, seed) for layer in self._steps]

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        for layer, drawn in zip(self._steps, transformation, strict=True):
            images = layer.transform_images(images, drawn, training)
        return images

    def get_config(self) -> dict[str, Any]:
        names = ("value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
