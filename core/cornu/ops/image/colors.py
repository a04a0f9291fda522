"""Colours: red, green and blue from and to hue, saturation and value, and grey."""

from __future__ import annotations

from typing import Any

from cornu.ir.types import is_float
from cornu.ops.arguments import as_tensor, sizes
from cornu.ops.elementwise import maximum, minimum, mod
from cornu.ops.image.layout import channel_axis, computed, image_format
from cornu.ops.logic import where
from cornu.ops.operation import op
from cornu.ops.reductions import max as max_
from cornu.ops.reductions import min as min_
from cornu.ops.shaping import concatenate, split
from cornu.tracing.tensor import Tensor

# How much red, green and blue count in grey: ITU-R BT.601, in four digits.
_GREY = (0.2989, 0.587, 0.114)


def _channels(images: Tensor, data_format: str | None, what: str) -> tuple[list[Any], int]:
    """Red, green and blue (or hue, saturation and value), and their axis.

    Raises:
        ValueError: If there are not three channels.
    """
    axis = channel_axis(images.ndim, image_format(images, data_format, what))
    if sizes(images)[axis] != 3:
        raise ValueError(f"{what}: expected 3 channels on axis {axis}, got images of shape {images.shape}.")
    return list(split(images, 3, axis=axis)), axis


@op("RGBToGrayscale", module="image")
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """Grey of colours: `0.2989 r + 0.587 g + 0.114 b`, as one channel.

    Args:
        images: [batch, height, width, 3] or without the batch; images of one channel are returned as they are.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Returns:
        A tensor of the images' dtype; integers lose their fraction.

    Raises:
        ValueError: If the rank or the number of channels does not fit.
    """
    images = as_tensor(images)
    what = "rgb_to_grayscale"
    if sizes(images)[channel_axis(images.ndim, image_format(images, data_format, what))] == 1:
        return images
    (red, green, blue), _ = _channels(computed(images), data_format, what)
    return as_tensor(red * _GREY[0] + green * _GREY[1] + blue * _GREY[2], images.dtype)


def _float_images(images: Any, what: str) -> Tensor:
    x = as_tensor(images)
    if not is_float(x.dtype):
        raise ValueError(f"{what}: expected images of a float dtype, got {x.dtype}.")
    return x


@op("RGBToHSV", module="image")
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Hue, saturation and value of colours, all from 0 to 1 where the colours are.

    With `v = max(r, g, b)` and `c = v - min(r, g, b)` the saturation is `c / v`, and the hue is a sixth of
    `(g - b) / c` modulo 6 where red is greatest, `(b - r) / c + 2` where green is, and `(r - g) / c + 4` else. Where
    a denominator is 0 the quotient is 0.

    Args:
        images: [batch, height, width, 3] or without the batch, of a float dtype.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the rank, the dtype or the number of channels does not fit.

    Example:
        >>> rgb_to_hsv([[[0.0, 0.5, 0.0]]]).numpy().round(3).tolist()
        [[[0.3330000042915344, 1.0, 0.5]]]
    """
    x = _float_images(images, "rgb_to_hsv")
    (red, green, blue), axis = _channels(x, data_format, "rgb_to_hsv")
    value = max_(x, axis=axis, keepdims=True)
    chroma = value - min_(x, axis=axis, keepdims=True)
    saturation = where(value > 0, chroma / where(value > 0, value, 1.0), 0.0)
    divisor = where(chroma > 0, chroma, 1.0)
    hue = where(
        red == value,
        mod((green - blue) / divisor, 6.0),
        where(green == value, (blue - red) / divisor + 2.0, (red - green) / divisor + 4.0),
    )
    hue = where(chroma > 0, hue / 6.0, 0.0)
    return as_tensor(concatenate([hue, saturation, value], axis=axis), x.dtype)


@op("HSVToRGB", module="image")
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """Red, green and blue of hue, saturation and value: `v - v s max(0, min(k, 4 - k, 1))`.

    `k = (n + 6 h) mod 6`, where `n` is 5 for red, 3 for green and 1 for blue.

    Args:
        images: [batch, height, width, 3] or without the batch, of a float dtype.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the rank, the dtype or the number of channels does not fit.

    Example:
        >>> hsv_to_rgb([[[0.5, 1.0, 1.0]]]).numpy().tolist()
        [[[0.0, 1.0, 1.0]]]
    """
    x = _float_images(images, "hsv_to_rgb")
    (hue, saturation, value), axis = _channels(x, data_format, "hsv_to_rgb")
    colors = []
    for n in (5.0, 3.0, 1.0):
        k = mod(hue * 6.0 + n, 6.0)
        colors.append(value - value * saturation * maximum(minimum(minimum(k, 4.0 - k), 1.0), 0.0))
    return as_tensor(concatenate(colors, axis=axis), x.dtype)
