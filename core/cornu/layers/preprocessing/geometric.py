"""Layers that move, turn, stretch, tilt and mirror images at random, in training only."""

from __future__ import annotations

import math
from typing import Any

from cornu import ops, random
from cornu.layers.preprocessing.image_layer import BaseImagePreprocessingLayer, factor_bounds, images_of

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")
_INTERPOLATIONS = ("nearest", "bilinear")


class RandomFlip(BaseImagePreprocessingLayer):
    """Images mirrored, each with probability 1/2 along each axis.

    Args:
        mode: "horizontal" (left becomes right), "vertical" or "horizontal_and_vertical".
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the mode is unknown.

    Example:
        >>> import cornu
        >>> image = cornu.ops.reshape(cornu.ops.arange(3.0), (1, 3, 1))
        >>> flipped = cornu.layers.RandomFlip("horizontal", seed=2)(image, training=True)
        >>> flipped.numpy().ravel().tolist() in ([0.0, 1.0, 2.0], [2.0, 1.0, 0.0])
        True
    """

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: Any = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        allowed = ("horizontal", "vertical", "horizontal_and_vertical")
        if mode not in allowed:
            raise ValueError(f"RandomFlip: `mode` must be one of {allowed}, got {mode!r}.")
        self.mode = mode

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        sides = zip(("vertical", "horizontal"), self.spatial_axes, strict=True)
        return [(axis, self.chosen(data, (0.5, 0.5), seed)) for side, axis in sides if side in self.mode]

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        for axis, chosen in transformation:
            images = ops.where(chosen, ops.flip(images, axis=axis), images)
        return images

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self.transform_images(segmentation_masks, transformation)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


class _SampledLayer(BaseImagePreprocessingLayer):
    """Base of layers whose pixels are sampled at other places of the image."""

    def __init__(
        self,
        interpolation: str,
        fill_value: float,
        fill_mode: str = "constant",
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        kind = type(self).__name__
        if interpolation not in _INTERPOLATIONS:
            raise ValueError(f"{kind}: `interpolation` must be one of {_INTERPOLATIONS}, got {interpolation!r}.")
        if fill_mode not in _FILL_MODES:
            raise ValueError(f"{kind}: `fill_mode` must be one of {_FILL_MODES}, got {fill_mode!r}.")
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def _sampled(self, images: Any, transformation: Any, interpolation: str) -> Any:
        """The images changed by what `get_random_transformation` drew."""
        return ops.image.affine_transform(
            images, transformation, interpolation, self.fill_mode, self.fill_value, self.data_format
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._sampled(images, transformation, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._sampled(segmentation_masks, transformation, "nearest")

    def _matrix(self, data: Any, **entries: Any) -> Any:
        """A transform for each image, [batch, 8], by the entries that differ from those that leave it as it is."""
        n = self.count_of(data)
        columns = [entries.get(name, 1.0 if name in ("a0", "b1") else 0.0) for name in _ENTRIES]
        flat = [ops.broadcast_to(ops.reshape(ops.cast(x, "float32"), (-1, 1)), (n, 1)) for x in columns]
        return ops.concatenate(flat, axis=1)

    def _middle(self, data: Any) -> tuple[Any, Any]:
        """Column and row of the image's middle."""
        height, width = (ops.convert_to_tensor(size, "float32") for size in self._size(data))
        return (width - 1.0) / 2.0, (height - 1.0) / 2.0

    def _size(self, data: Any) -> tuple[Any, Any]:
        return self.size_of(images_of(data, self.name))

    def _described(self, *names: str) -> dict[str, Any]:
        names = (*names, "fill_mode", "fill_value", "interpolation", "seed")
        return {**BaseImagePreprocessingLayer.get_config(self), **{name: getattr(self, name) for name in names}}


_ENTRIES = ("a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1")


class RandomRotation(_SampledLayer):
    """Images turned around their middle, counter-clockwise by `2 pi f`, with `f` drawn for each.

    Args:
        factor: The bounds of `f`, in full turns; one number `a` means (-a, a).
        fill_mode: What lies outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: A seed for repeatable draws.
        fill_value: What lies outside with "constant".
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the factor is not within [-1, 1], or a setting is unknown.

    Example:
        >>> import cornu
        >>> image = cornu.ops.reshape(cornu.ops.arange(4.0), (2, 2, 1))
        >>> cornu.layers.RandomRotation((0.25, 0.25))(image, training=True).numpy().round(3)[..., 0].tolist()
        [[1.0, 3.0], [0.0, 2.0]]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_value, fill_mode, data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_bounds(factor, "factor", -1, 1, symmetric=True, layer="RandomRotation")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        angle = self.drawn(data, self.factor, seed) * (2 * math.pi)
        x, y = self._middle(data)
        cos, sin = ops.cos(angle), ops.sin(angle)
        return self._matrix(data, a0=cos, a1=-sin, a2=x - cos * x + sin * y, b0=sin, b1=cos, b2=y - sin * x - cos * y)

    def get_config(self) -> dict[str, Any]:
        return self._described("factor")


class RandomTranslation(_SampledLayer):
    """Images moved down by `fh` of their height and to the right by `fw` of their width, both drawn for each.

    Args:
        height_factor: The bounds of `fh`; one number `a` means (-a, a).
        width_factor: The bounds of `fw`.
        fill_mode: What lies outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: A seed for repeatable draws.
        fill_value: What lies outside with "constant".
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a factor is not within [-1, 1], or a setting is unknown.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
        >>> layer(cornu.ops.ones((1, 1, 4, 1)), training=True).numpy().ravel().tolist()
        [0.0, 0.0, 1.0, 1.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_value, fill_mode, data_format=data_format, seed=seed, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._bounds = [
            factor_bounds(value, name, -1, 1, symmetric=True, layer="RandomTranslation")
            for value, name in ((height_factor, "height_factor"), (width_factor, "width_factor"))
        ]

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        down, right = (
            self.drawn(data, bounds, seed) * ops.convert_to_tensor(size, "float32")
            for bounds, size in zip(self._bounds, self._size(data), strict=True)
        )
        return self._matrix(data, a2=-right, b2=-down)

    def get_config(self) -> dict[str, Any]:
        return self._described("height_factor", "width_factor")


class RandomZoom(_SampledLayer):
    """Images seen from farther away, `1 + fh` times in height and `1 + fw` in width, both drawn for each.

    Args:
        height_factor: The bounds of `fh`; negative ones enlarge; one number `a` means (-a, a).
        width_factor: The bounds of `fw`; where it is missing `fw` is `fh`, so that the ratio of sides stays.
        fill_mode: What lies outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: A seed for repeatable draws.
        fill_value: What lies outside with "constant".
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a factor is not within [-1, 1], or a setting is unknown.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_value, fill_mode, data_format=data_format, seed=seed, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._height = factor_bounds(height_factor, "height_factor", -1, 1, symmetric=True, layer="RandomZoom")
        self._width: Any = None
        if width_factor is not None:
            self._width = factor_bounds(width_factor, "width_factor", -1, 1, symmetric=True, layer="RandomZoom")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        down = self.drawn(data, self._height, seed) + 1.0
        across = down if self._width is None else self.drawn(data, self._width, seed) + 1.0
        x, y = self._middle(data)
        return self._matrix(data, a0=across, a2=x - across * x, b1=down, b2=y - down * y)

    def get_config(self) -> dict[str, Any]:
        return self._described("height_factor", "width_factor")


class RandomShear(_SampledLayer):
    """Images sheared: row `y` is moved to the right by `fx y`, column `x` down by `fy x`, or both the other way.

    `fx`, `fy` and the way are drawn for each image.

    Args:
        x_factor: The bounds of `fx`, within [0, 1]; one number `a` means up to `a`.
        y_factor: The bounds of `fy`.
        interpolation: "bilinear" or "nearest".
        fill_mode: What lies outside: "reflect", "wrap", "constant" or "nearest".
        fill_value: What lies outside with "constant".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If a factor is not within [0, 1], or a setting is unknown.
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_value, fill_mode, data_format=data_format, seed=seed, **kwargs)
        self.x_factor = _shear_bounds(x_factor, "x_factor")
        self.y_factor = _shear_bounds(y_factor, "y_factor")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        sign = ops.where(self.chosen(data, (0.5, 0.5), seed), 1.0, -1.0)
        across, down = (self.drawn(data, bounds, seed) * sign for bounds in (self.x_factor, self.y_factor))
        return self._matrix(data, a1=-across, b0=-down)

    def get_config(self) -> dict[str, Any]:
        return self._described("x_factor", "y_factor")


def _shear_bounds(value: Any, name: str) -> tuple[float, float]:
    # The bounds that one number stands for are read back from a config as two, of which the first is negative.
    if isinstance(value, (tuple, list)) and len(value) == 2 and value[0] == -value[1]:
        value = value[1]
    return factor_bounds(value, name, 0, 1, symmetric=not isinstance(value, (tuple, list)), layer="RandomShear")


class RandomPerspective(_SampledLayer):
    """Images seen from elsewhere: each corner is moved by part of its distance from the top left one.

    A corner at column `x` and row `y` comes to `((1 + a) x, (1 + b) y)` with `a` and `b` from
    `[-scale / 2, scale / 2]`, drawn for each corner and image.

    Args:
        factor: The bounds of the probability with which an image is changed; one number `p` means (0, p).
        scale: How far corners are moved.
        interpolation: "bilinear" or "nearest".
        fill_value: What lies outside.
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a number is not within [0, 1], or the interpolation is unknown.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_value, data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_bounds(factor, "factor", 0, 1, layer="RandomPerspective")
        factor_bounds(scale, "scale", 0, 1, layer="RandomPerspective")
        self.scale = scale

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        height, width = (ops.convert_to_tensor(size, "float32") - 1.0 for size in self._size(data))
        none = ops.zeros_like(width)
        corners = ops.stack([none, none, width, none, none, height, width, height])
        start = ops.broadcast_to(ops.reshape(corners, (1, 4, 2)), (self.count_of(data), 4, 2))
        bound = self.scale / 2
        moved = random.uniform(ops.shape(start), -bound, bound, dtype="float32", seed=seed or self.generator)
        return {"chosen": self.chosen(data, self.factor, seed), "start": start, "end": start * (1.0 + moved)}

    def _sampled(self, images: Any, transformation: Any, interpolation: str) -> Any:
        start, end = transformation["start"], transformation["end"]
        if len(images.shape) == 3:
            start, end = start[0], end[0]
        seen = ops.image.perspective_transform(images, start, end, interpolation, self.fill_value, self.data_format)
        return ops.where(transformation["chosen"], seen, images)

    def get_config(self) -> dict[str, Any]:
        config = self._described("factor", "scale")
        del config["fill_mode"]  # only "constant" makes sense here
        return config
