"""What layers that change images share: images alone or beside labels and masks, factors, random choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops, random
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format


class BaseImagePreprocessingLayer(Layer):
    """Base of the layers that change images.

    A layer is called on images, or on a dictionary with `"images"` and, if wanted, `"labels"` and
    `"segmentation_masks"`, which are changed as the images are. Subclasses override `get_random_transformation` and
    the `transform_...` methods that they need.

    Args:
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Shape:
        Images are [batch, height, width, channels] or one image [height, width, channels]; channels come first with
        "channels_first".
    """

    # Whether the layer acts in training only, and whether it then casts images that it does not change.
    only_in_training = True
    casts_in_inference = True
    # Whether it draws random numbers.
    draws = True

    def __init__(self, data_format: str | None = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standard_data_format(data_format)
        self.seed = seed
        if self.draws:
            self.generator = random.SeedGenerator(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """What is drawn for a call: whatever the `transform_...` methods take.

        Args:
            data: The layer's input.
            training: Whether the layer is called in training.
            seed: A seed or a `SeedGenerator`; the layer's if missing.
        """
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """The changed images; they come in the compute dtype."""
        return images

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """The changed labels."""
        return labels

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """The changed masks."""
        return segmentation_masks

    def call(self, data: Any, training: bool = True) -> Any:
        images = images_of(data, self.name)
        if self.only_in_training and not training:
            return with_images(data, self._cast(images) if self.casts_in_inference else images)
        transformation = self.get_random_transformation(data, training=training)
        changed = self.transform_images(self._cast(images), transformation, training)
        found = with_images(data, self._cast(changed))
        if isinstance(found, dict):
            if "labels" in found:
                found["labels"] = self.transform_labels(found["labels"], transformation, training)
            if "segmentation_masks" in found:
                masks = found["segmentation_masks"]
                found["segmentation_masks"] = self.transform_segmentation_masks(masks, transformation, training)
        return found

    def _cast(self, images: Any) -> Any:
        return ops.cast(images, self.compute_dtype)

    def count_of(self, data: Any) -> Any:
        """How many images there are; 1 for an image without a batch."""
        images = images_of(data, self.name)
        return ops.shape(images)[0] if len(images.shape) == 4 else 1

    def size_of(self, images: Any) -> tuple[Any, Any]:
        """Height and width."""
        shape = ops.shape(images)
        return (shape[-3], shape[-2]) if self.data_format == "channels_last" else (shape[-2], shape[-1])

    @property
    def spatial_axes(self) -> tuple[int, int]:
        """The axes of height and width, counted from the end."""
        return (-3, -2) if self.data_format == "channels_last" else (-2, -1)

    @property
    def channel_axis(self) -> int:
        """The axis of channels, counted from the end."""
        return -1 if self.data_format == "channels_last" else -3

    def drawn(self, data: Any, bounds: tuple[float, float], seed: Any = None) -> Any:
        """A number within bounds for every image, [batch, 1, 1, 1]; [1, 1, 1] for an image without a batch."""
        shape = (self.count_of(data), 1, 1, 1) if len(images_of(data, self.name).shape) == 4 else (1, 1, 1)
        # In 32 bits, whatever the policy: 16 would round the factors.
        return random.uniform(shape, *bounds, dtype="float32", seed=seed or self.generator)

    def chosen(self, data: Any, bounds: tuple[float, float], seed: Any = None) -> Any:
        """True for every image with a probability that is itself drawn within bounds; of the shape of `drawn`."""
        return self.drawn(data, (0.0, 1.0), seed) < self.drawn(data, bounds, seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


def images_of(data: Any, name: str) -> Any:
    """The images of a layer's input.

    Raises:
        ValueError: If a dictionary has none, or has bounding boxes.
    """
    images = data
    if isinstance(data, dict):
        if "bounding_boxes" in data:
            raise ValueError(f"Layer '{name}': `bounding_boxes` are not supported; leave them out of the input.")
        if "images" not in data:
            raise ValueError(f"Layer '{name}': a dictionary must have the key 'images', got {sorted(data)}.")
        images = data["images"]
    if len(images.shape) not in (3, 4):
        raise ValueError(
            f"Layer '{name}': expected images of rank 3 (one image) or 4 (a batch), got shape {tuple(images.shape)}."
        )
    return images


def with_images(data: Any, images: Any) -> Any:
    """The layer's input with other images."""
    return {**data, "images": images} if isinstance(data, dict) else images


def factor_bounds(
    value: Any, name: str, least: float, most: float, symmetric: bool = False, layer: str = ""
) -> tuple[float, float]:
    """The bounds that a factor is drawn within: of one number `f` they are (0, f), or (-f, f) if `symmetric`.

    Raises:
        ValueError: If it is neither a number nor two numbers, or lies outside of `least` to `most`.
    """
    given = value if isinstance(value, (tuple, list)) else (value,)
    numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in given)
    if not numbers or len(given) not in (1, 2) or any(not least <= item <= most for item in given):
        raise ValueError(
            f"{layer}: the `{name}` argument should be a number (or a list of two numbers) in the range "
            f"[{least}, {most}]. Received: {name}={value!r}"
        )
    if len(given) == 2:
        return min(given), max(given)
    return (-abs(given[0]) if symmetric else 0), abs(given[0])


def standard_range(value: Any, layer: str) -> Any:
    """The least and the greatest value that a layer's images have.

    Raises:
        ValueError: If it is not two numbers, the second greater.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not value[0] < value[1]:
        raise ValueError(
            f"{layer}: the `value_range` argument should be two numbers, the second greater. "
            f"Received: value_range={value!r}"
        )
    return value


def clipped(images: Any, value_range: Sequence[float]) -> Any:
    """Images within their range."""
    return ops.clip(images, value_range[0], value_range[1])


class RandomFactorLayer(BaseImagePreprocessingLayer):
    """Base of layers with one factor, drawn for each image, and a range of values that images stay in."""

    # The bounds of the factor, and whether one number stands for itself and its negative.
    least: float = 0.0
    most: float = 1.0
    symmetric = False

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        kind = type(self).__name__
        self.factor = factor_bounds(factor, "factor", self.least, self.most, self.symmetric, kind)
        self.value_range = standard_range(value_range, kind)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"factor": self.drawn(data, self.factor, seed)}

    def get_config(self) -> dict[str, Any]:
        config = {"factor": self.factor, "value_range": self.value_range, "seed": self.seed}
        return {**super().get_config(), **config}
