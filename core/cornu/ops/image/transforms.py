"""Images moved, turned, tilted and crumpled: each new pixel is sampled at a place of the old image."""

from __future__ import annotations

from typing import Any

from cornu import random
from cornu.ir.dim import DimLike, product
from cornu.ops.arguments import as_tensor, emit, permute, sizes, with_shape
from cornu.ops.elementwise import absolute
from cornu.ops.image.filters import gaussian_blur
from cornu.ops.image.layout import as_batch, computed, image_format, returned, unbatched
from cornu.ops.image.sampling import ORDERS, check_sampling, sample
from cornu.ops.logic import where
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def _channels_last(images: Tensor, form: str) -> Tensor:
    return images if form == "channels_last" else permute(images, (0, 2, 3, 1))


def _grid(height: DimLike, width: DimLike, dtype: str) -> tuple[Any, Any]:
    """Every pixel's column [1, 1, width] and row [1, height, 1]."""
    columns = as_tensor(emit("Range", start=0, step=1, size=width, dtype="int32"), dtype)
    rows = as_tensor(emit("Range", start=0, step=1, size=height, dtype="int32"), dtype)
    return with_shape(columns, (1, 1, width)), with_shape(rows, (1, height, 1))


def _sampled(x: Tensor, columns: Any, rows: Any, interpolation: str, fill_mode: str, fill_value: Any) -> Tensor:
    """[n, h, w, c] sampled at columns and rows that broadcast to [n, h, w]."""
    n, height, width, channels = sizes(x)
    table = with_shape(x, (product([n, height, width]), channels))
    number = with_shape(emit("Range", start=0, step=1, size=n, dtype="int32"), (n, 1, 1))
    start = number * as_tensor(height * width, "int32")
    found = sample(table, (height, width), (rows, columns), ORDERS[interpolation], fill_mode, fill_value, start)
    return with_shape(found, (n, height, width, channels))


def _moved(images: Tensor, form: str, places: Any, interpolation: str, fill_mode: str, fill_value: Any) -> Any:
    """The images sampled where `places(columns, rows)` says, with the layout and dtype that they had."""
    x = _channels_last(as_batch(computed(images)), form)
    _, height, width, _ = sizes(x)
    columns, rows = places(*_grid(height, width, x.dtype))
    found = _sampled(x, columns, rows, interpolation, fill_mode, fill_value)
    found = found if form == "channels_last" else permute(found, (0, 3, 1, 2))
    return returned(unbatched(found, images.ndim), images.dtype)


def _projected(columns: Any, rows: Any, entries: list[Any]) -> tuple[Any, Any]:
    """Where the map with the entries a0 ... c1 takes the pixels."""
    a0, a1, a2, b0, b1, b2, c0, c1 = entries
    scale = columns * c0 + rows * c1 + 1.0
    scale = where(absolute(scale) < 1e-9, 1e-9, scale)  # a pixel at infinity lies outside, and has no neighbours
    return (columns * a0 + rows * a1 + a2) / scale, (columns * b0 + rows * b1 + b2) / scale


@op("AffineTransform", tensors=2, module="image")
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Images moved, turned, stretched or tilted.

    With a transform `(a0, a1, a2, b0, b1, b2, c0, c1)` the new pixel in column `x` and row `y` is the old image at
    column `(a0 x + a1 y + a2) / k` and row `(b0 x + b1 y + b2) / k`, where `k = c0 x + c1 y + 1`.

    Args:
        images: [batch, height, width, channels] or without the batch.
        transform: [8], or [batch, 8] for a transform of each image.
        interpolation: "bilinear" or "nearest".
        fill_mode: What lies outside: "constant", "nearest", "wrap", "mirror" or "reflect"; see `map_coordinates`.
        fill_value: What it is with "constant".
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a shape does not fit or a setting is unknown.

    Example:
        >>> affine_transform([[[1.0], [2.0], [3.0]]], [1, 0, 1, 0, 1, 0, 0, 0]).numpy().ravel().tolist()
        [2.0, 3.0, 0.0]
    """
    images = as_tensor(images)
    form = image_format(images, data_format, "affine_transform")
    check_sampling("affine_transform", interpolation, fill_mode)
    matrix = as_tensor(transform, computed(images).dtype)
    matrix = with_shape(matrix, (1, *sizes(matrix))) if matrix.ndim == 1 else matrix
    if matrix.ndim != 2 or matrix.shape[-1] != 8:
        raise ValueError(f"affine_transform: expected a transform of shape [8] or [batch, 8], got {matrix.shape}.")
    count = images.shape[0] if images.ndim == 4 else 1
    if None not in (count, matrix.shape[0]) and matrix.shape[0] not in (1, count):
        raise ValueError(f"affine_transform: {matrix.shape[0]} transforms do not fit {count} images.")
    entries = [with_shape(matrix[:, i], (sizes(matrix)[0], 1, 1)) for i in range(8)]
    return _moved(
        images, form, lambda columns, rows: _projected(columns, rows, entries), interpolation, fill_mode, fill_value
    )


def _corners(points: Tensor) -> list[Any]:
    """The map that takes the unit square to four points [n, 4, 2]: its entries, each [n, 1, 1].

    Source:
        Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3.
    """
    n = sizes(points)[0]
    # The points' order is top left, top right, bottom left, bottom right.
    x0, x1, x3, x2 = (with_shape(points[:, i, 0], (n, 1, 1)) for i in range(4))
    y0, y1, y3, y2 = (with_shape(points[:, i, 1], (n, 1, 1)) for i in range(4))
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area
    return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0]


def _inverted(m: list[Any]) -> list[Any]:
    """The inverse of a 3 by 3 matrix, up to a factor."""
    a, b, c, d, e, f, g, h, i = m
    return [
        e * i - f * h, c * h - b * i, b * f - c * e,
        f * g - d * i, a * i - c * g, c * d - a * f,
        d * h - e * g, b * g - a * h, a * e - b * d,
    ]  # fmt: skip


def _multiplied(left: list[Any], right: list[Any]) -> list[Any]:
    """The product of two 3 by 3 matrices."""
    return [sum(left[3 * i + k] * right[3 * k + j] for k in range(3)) for i in range(3) for j in range(3)]


@op("PerspectiveTransform", tensors=3, module="image")
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Images as seen from elsewhere: four points of the image come to four other places.

    Args:
        images: [batch, height, width, channels] or without the batch.
        start_points: [batch, 4, 2] or [4, 2]: column and row of the points: top left, top right, bottom left,
            bottom right.
        end_points: Where they come to, of the same shape.
        interpolation: "bilinear" or "nearest".
        fill_value: What lies outside the image.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a shape does not fit or a setting is unknown.
    """
    images = as_tensor(images)
    form = image_format(images, data_format, "perspective_transform")
    check_sampling("perspective_transform", interpolation)
    dtype = computed(images).dtype
    start, end = as_tensor(start_points, dtype), as_tensor(end_points, dtype)
    for points, name in ((start, "start_points"), (end, "end_points")):
        if points.ndim not in (2, 3) or points.shape[-2:] != (4, 2):
            raise ValueError(
                f"perspective_transform: expected `{name}` of shape [4, 2] or [batch, 4, 2], got {points.shape}."
            )
    if start.shape != end.shape:
        raise ValueError(
            f"perspective_transform: start_points and end_points must have the same shape, got {start.shape} and "
            f"{end.shape}."
        )
    start, end = (with_shape(x, (1, *sizes(x))) if x.ndim == 2 else x for x in (start, end))
    # From where a point comes to: back to the unit square, and on to where it started.
    matrix = _multiplied(_corners(start), _inverted(_corners(end)))
    entries = [entry / matrix[8] for entry in matrix[:8]]
    return _moved(
        images, form, lambda columns, rows: _projected(columns, rows, entries), interpolation, "constant", fill_value
    )


@op("ElasticTransform", module="image")
def elastic_transform(
    images: Any,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Any:
    """Images crumpled at random: every pixel is moved by smoothed noise.

    A pixel's shift along each axis is `alpha * sigma` times normal noise that a Gaussian of width `sigma` has smoothed.

    Args:
        images: [batch, height, width, channels] or without the batch.
        alpha: How far pixels are moved.
        sigma: How far neighbours move together.
        interpolation: "bilinear" or "nearest".
        fill_mode: What lies outside; see `map_coordinates`.
        fill_value: What it is with "constant".
        seed: A seed or a `SeedGenerator`.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the rank does not fit or a setting is unknown.

    Source:
        Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis", 2003.
    """
    images = as_tensor(images)
    form = image_format(images, data_format, "elastic_transform")
    check_sampling("elastic_transform", interpolation, fill_mode)
    window = int(6 * sigma) | 1

    def places(columns: Any, rows: Any) -> tuple[Any, Any]:
        n = sizes(as_batch(images))[0]
        height, width = sizes(rows)[1], sizes(columns)[2]
        noise = random.normal((n, height, width, 2), stddev=sigma, dtype=columns.dtype, seed=seed)
        shifts = gaussian_blur(noise, (window, window), (sigma, sigma), data_format="channels_last") * alpha
        return columns + shifts[..., 0], rows + shifts[..., 1]

    return _moved(images, form, places, interpolation, fill_mode, fill_value)
