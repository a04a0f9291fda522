"""Layers that mix images with others of their batch, or with noise, in training only."""

from __future__ import annotations

from typing import Any

from cornu import ops, random
from cornu.layers.preprocessing.image_layer import (
    BaseImagePreprocessingLayer,
    factor_bounds,
    images_of,
    standard_range,
)


def _box(layer: BaseImagePreprocessingLayer, data: Any, rows: Any, columns: Any, seed: Any) -> Any:
    """True inside of a box at a place that is drawn for every image.

    Args:
        layer: The layer.
        data: Its input.
        rows, columns: The box's part of height and width, of the shape of `layer.drawn`.
        seed: A seed, or None for the layer's.
    """
    images = images_of(data, layer.name)
    rank = len(images.shape)
    inside = None
    for axis, size, part in zip(layer.spatial_axes, layer.size_of(images), (rows, columns), strict=True):
        whole = ops.convert_to_tensor(size, "float32")
        extent = part * whole
        start = layer.drawn(data, (0.0, 1.0), seed) * (whole - extent)
        shape = [1] * rank
        shape[axis] = -1
        place = ops.reshape(ops.arange(size, dtype="float32"), shape)
        along = ops.logical_and(place >= start, place < start + extent)
        inside = along if inside is None else ops.logical_and(inside, along)
    return inside


class RandomErasing(BaseImagePreprocessingLayer):
    """Images with a box erased, each with a probability `p`, which is drawn for each, too.

    The box is `sqrt(a)` of the height and `sqrt(b)` of the width, with `a` and `b` drawn for each image.

    Args:
        factor: The bounds of `p`; one number means (0, p).
        scale: The bounds of `a` and `b`.
        fill_value: What the box is filled with; normal noise, cut to the range, if missing.
        value_range: The least and the greatest value that images have.
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a number is not within [0, 1].

    Source:
        Zhong et al., "Random Erasing Data Augmentation", 2017, arXiv:1708.04896.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: float | None = None,
        value_range: Any = (0, 255),
        seed: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_bounds(factor, "factor", 0, 1, layer="RandomErasing")
        self.scale = factor_bounds(scale, "scale", 0, 1, layer="RandomErasing")
        self.fill_value = fill_value
        self.value_range = standard_range(value_range, "RandomErasing")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        rows, columns = (ops.sqrt(self.drawn(data, self.scale, seed)) for _ in range(2))
        box = ops.logical_and(_box(self, data, rows, columns, seed), self.chosen(data, self.factor, seed))
        fill = self.fill_value
        if fill is None:
            low, high = self.value_range
            noise = random.normal(ops.shape(images_of(data, self.name)), dtype="float32", seed=seed or self.generator)
            fill = ops.clip(noise * (high - low) + low, low, high)
        return {"box": box, "fill": fill}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return ops.where(transformation["box"], transformation["fill"], images)

    def get_config(self) -> dict[str, Any]:
        names = ("factor", "scale", "fill_value", "value_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _MixingLayer(BaseImagePreprocessingLayer):
    """Base of layers that mix every image with another one of its batch, and labels likewise."""

    def _order(self, data: Any, seed: Any) -> Any:
        """For every image, which other one it is mixed with."""
        return random.shuffle(ops.arange(self.count_of(data)), seed=seed or self.generator)

    def _drawn_share(self, data: Any, alpha: Any, seed: Any) -> Any:
        """A number for every image, Beta(alpha, alpha), of the shape of `drawn`."""
        shape = ops.shape(self.drawn(data, (0.0, 1.0), seed))
        return random.beta(shape, alpha, alpha, dtype="float32", seed=seed or self.generator)

    @staticmethod
    def _mixed(values: Any, order: Any, share: Any) -> Any:
        """`share` of every value and the rest of the other's, whatever the values' rank."""
        values = ops.convert_to_tensor(values)
        values = values if "float" in str(values.dtype) else ops.cast(values, "float32")
        share = ops.reshape(share, (-1,) + (1,) * (len(values.shape) - 1))
        return values * share + ops.take(values, order, axis=0) * (1.0 - share)

    def call(self, data: Any, training: bool = True) -> Any:
        # An image without a batch has no other that it could be mixed with.
        return super().call(data, training=training and len(images_of(data, self.name).shape) == 4)


class MixUp(_MixingLayer):
    """Images and labels mixed with others of the batch: `s x + (1 - s) x'`, with `s ~ Beta(alpha, alpha)` for each.

    Args:
        alpha: How much is mixed: small numbers leave most images nearly as they are.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        seed: A seed for repeatable draws.

    Raises:
        ValueError: If `alpha` is not positive.

    Shape:
        Labels have one entry per image, one-hot or numbers; they become float.

    Source:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017, arXiv:1710.09412.
    """

    casts_in_inference = False

    def __init__(self, alpha: float = 0.2, data_format: str | None = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if not isinstance(alpha, (int, float)) or alpha <= 0:
            raise ValueError(f"MixUp: `alpha` must be a positive number, got {alpha!r}.")
        self.alpha = alpha

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"order": self._order(data, seed), "share": self._drawn_share(data, float(self.alpha), seed)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._mixed(images, transformation["order"], transformation["share"])

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        return self._mixed(labels, transformation["order"], transformation["share"])

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._mixed(segmentation_masks, transformation["order"], transformation["share"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}


class CutMix(_MixingLayer):
    """Images with a box from another one of the batch, and labels mixed by the box's part of the area.

    The box is `sqrt(r)` of height and width, with `r ~ Beta(a, a)` for each image.

    Args:
        factor: The bounds of `a`, which is drawn for each image; one number means (0, a).
        seed: A seed for repeatable draws.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the factor is not within [0, 1].

    Shape:
        Labels have one entry per image, one-hot or numbers; they become float.

    Source:
        Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", 2019,
        arXiv:1905.04899.
    """

    def __init__(self, factor: Any = 1.0, seed: Any = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_bounds(factor, "factor", 0, 1, layer="CutMix")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        alpha = ops.maximum(self.drawn(data, self.factor, seed), 1e-3)
        part = self._drawn_share(data, alpha, seed)
        side = ops.sqrt(part)
        return {"order": self._order(data, seed), "part": part, "box": _box(self, data, side, side, seed)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return ops.where(transformation["box"], ops.take(images, transformation["order"], axis=0), images)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        return self._mixed(labels, transformation["order"], 1.0 - transformation["part"])

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self.transform_images(segmentation_masks, transformation)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}
