"""Layers that change the size of images."""

from __future__ import annotations

from typing import Any

from cornu import ops, random
from cornu.ir.dim import floor_div
from cornu.layers.preprocessing.image_layer import BaseImagePreprocessingLayer, images_of, with_images
from cornu.ops.keras_tensor import KerasTensor
from cornu.random.global_seed import next_seed


def _positive(layer: str, **sizes: Any) -> None:
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{layer}: `{name}` must be a positive integer, got {size!r}.")


class Resizing(BaseImagePreprocessingLayer):
    """Images of another size; see `cornu.ops.image.resize`.

    Args:
        height, width: The new size.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: Whether images are first cut around the middle to the new ratio of sides.
        pad_to_aspect_ratio: Whether a border is first put around them, for the new ratio of sides.
        fill_mode: What the border is of; only "constant".
        fill_value: The border's value.
        antialias: Whether every pixel counts where images shrink.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a setting is unknown.

    Shape:
        [batch, height, width, channels] to the new height and width; the batch may be missing.

    Example:
        >>> import cornu
        >>> cornu.layers.Resizing(8, 4)(cornu.ops.ones((2, 5, 5, 3))).shape
        (2, 8, 4, 3)
    """

    only_in_training = False
    draws = False

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        _positive("Resizing", height=height, width=width)
        allowed = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        if interpolation not in allowed:
            raise ValueError(f"Resizing: `interpolation` must be one of {allowed}, got {interpolation!r}.")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True.")
        if fill_mode != "constant":
            raise ValueError(f"Resizing: `fill_mode` must be 'constant', got {fill_mode!r}.")
        self.height = height
        self.width = width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias

    def _cast(self, images: Any) -> Any:
        return images  # integers stay integers

    def _resized(self, images: Any, interpolation: str) -> Any:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._resized(segmentation_masks, "nearest")

    def get_config(self) -> dict[str, Any]:
        names = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode")
        own = {name: getattr(self, name) for name in (*names, "fill_value", "antialias")}
        return {**super().get_config(), **own}


class _Cropping(BaseImagePreprocessingLayer):
    """Base of layers that cut out a window; images that are too small are resized to it."""

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        _positive(type(self).__name__, height=height, width=width)
        self.height = height
        self.width = width

    def _fits(self, images: Any) -> bool:
        """Whether the window lies within the images."""
        return all(size >= own for size, own in zip(self.size_of(images), (self.height, self.width), strict=True))

    def _window(self, images: Any, top: Any, left: Any, interpolation: str) -> Any:
        if not self._fits(images):
            return ops.image.resize(
                images,
                (self.height, self.width),
                interpolation,
                crop_to_aspect_ratio=True,
                data_format=self.data_format,
            )
        rank = len(images.shape)
        starts: list[Any] = [0] * rank
        shape = list(ops.shape(images))
        for i, axis in enumerate(self.spatial_axes):
            starts[axis], shape[axis] = (top, left)[i], (self.height, self.width)[i]
        return ops.slice(images, starts, shape)

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        """The window, whatever the size of the images."""

        def cut(images: Any) -> KerasTensor:
            shape, axes = list(images.type.shape), self.spatial_axes
            shape[axes[0]], shape[axes[1]] = self.height, self.width
            return KerasTensor(tuple(shape), images.dtype if images is not pictures else self.compute_dtype)

        pictures = images_of(data, self.name)
        found = with_images(data, cut(pictures))
        if isinstance(found, dict) and "segmentation_masks" in found:
            found["segmentation_masks"] = cut(found["segmentation_masks"])
        return found

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class CenterCrop(_Cropping):
    """The middle of images; images that are too small are resized, after a cut to the window's ratio of sides.

    Args:
        height, width: The window's size.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> import cornu
        >>> image = cornu.ops.reshape(cornu.ops.arange(5.0), (1, 5, 1))
        >>> cornu.layers.CenterCrop(1, 3)(image).numpy().ravel().tolist()
        [1.0, 2.0, 3.0]
    """

    only_in_training = False
    draws = False

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)

    def _middle(self, images: Any, interpolation: str) -> Any:
        height, width = self.size_of(images)
        top, left = floor_div(height - self.height, 2), floor_div(width - self.width, 2)
        return self._window(images, top, left, interpolation)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._middle(images, "bilinear")

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._middle(segmentation_masks, "nearest")


class RandomCrop(_Cropping):
    """A window of images at a place that is drawn, the same for the whole batch; in inference images stay whole.

    Images that are too small are resized, after a cut to the window's ratio of sides.

    Args:
        height, width: The window's size.
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> import cornu
        >>> cornu.layers.RandomCrop(2, 3)(cornu.ops.ones((4, 5, 6, 1)), training=True).shape
        (4, 2, 3, 1)
    """

    casts_in_inference = False

    def __init__(
        self,
        height: int,
        width: int,
        seed: Any = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        seed = next_seed() if seed is None else seed
        super().__init__(height, width, data_format=data_format, seed=seed, name=name, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        images = images_of(data, self.name)
        if not self._fits(images):
            return 0, 0
        sizes = zip(self.size_of(images), (self.height, self.width), strict=True)
        return tuple(random.randint((), 0, size - window + 1, seed=seed or self.generator) for size, window in sizes)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._window(images, transformation[0], transformation[1], "bilinear")

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._window(segmentation_masks, transformation[0], transformation[1], "nearest")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
