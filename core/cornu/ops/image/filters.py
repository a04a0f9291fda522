"""Images smoothed, their edges, and how similar two of them are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.ir.dim import product
from cornu.ops.arguments import as_tensor, emit, pair, sizes, with_shape
from cornu.ops.convolution import from_channels_first, padded, same_pads, to_channels_first
from cornu.ops.elementwise import exp, square
from cornu.ops.image.layout import as_batch, computed, image_format, returned, unbatched
from cornu.ops.operation import op
from cornu.ops.reductions import mean
from cornu.ops.reductions import sum as sum_
from cornu.ops.shaping import stack
from cornu.tracing.tensor import Tensor


def _filtered(images: Tensor, form: str, kernels: Sequence[Any], padding: str) -> Any:
    """Every channel convolved with kernels [height, width], one after the other."""
    first = to_channels_first(as_batch(images), form)
    n, channels = sizes(first)[:2]
    x = with_shape(first, (product([n, channels]), 1, *sizes(first)[2:]))
    for kernel in kernels:
        weight = as_tensor(kernel, x.dtype)
        window = sizes(weight)
        if padding == "same":
            x = padded(x, [same_pads(size, k, 1, 1) for size, k in zip(sizes(x)[2:], window, strict=True)])
        x = emit("Conv", x, with_shape(weight, (1, 1, *window)), strides=(1, 1), dilations=(1, 1), group=1)
    found = with_shape(x, (n, channels, *sizes(x)[2:]))
    return unbatched(from_channels_first(found, form), images.ndim)


def _gaussian(size: int, sigma: Any, dtype: str) -> Any:
    """`exp(-d^2 / (2 sigma^2))` at `size` places around the middle, with sum 1."""
    distance = as_tensor(np.arange(size) - (size - 1) / 2, dtype)
    weights = exp(-square(distance / as_tensor(sigma, dtype)) / 2.0)
    return weights / sum_(weights)


@op("GaussianBlur", module="image")
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: str | None = None
) -> Any:
    """Images convolved with a Gaussian; what lies outside counts as 0.

    Args:
        images: [batch, height, width, channels] or without the batch.
        kernel_size: The window's width and height, in the order in which Keras takes them.
        sigma: The Gaussian's width across and down.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If the rank or a setting does not fit.

    Example:
        >>> gaussian_blur([[[0.0], [1.0], [0.0]]], (3, 1), (1.0, 1.0)).numpy().round(3).ravel().tolist()
        [0.27399998903274536, 0.4519999921321869, 0.27399998903274536]
    """
    images = as_tensor(images)
    form = image_format(images, data_format, "gaussian_blur")
    width, height = pair(kernel_size, 2, "gaussian_blur: kernel_size")
    x = computed(images)
    across, down = (_gaussian(size, sigma[i], x.dtype) for i, size in enumerate((width, height)))
    kernels = (with_shape(down, (height, 1)), with_shape(across, (1, width)))
    return returned(_filtered(x, form, kernels, "same"), images.dtype)


@op("SobelEdges", module="image")
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """How fast images change down and across, by Sobel's filters; what lies outside counts as 0.

    Args:
        images: [batch, height, width, channels] or without the batch.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Returns:
        The images' shape with an axis more at the end: the change down and the change across.

    Raises:
        ValueError: If the rank does not fit.
    """
    images = as_tensor(images)
    form = image_format(images, data_format, "sobel_edges")
    x = computed(images)
    change, smooth = np.array([-1.0, 0.0, 1.0]), np.array([1.0, 2.0, 1.0])
    edges = [
        _filtered(x, form, (down.reshape(3, 1), across.reshape(1, 3)), "same")
        for down, across in ((change, smooth), (smooth, change))
    ]
    return as_tensor(stack(edges, axis=-1), images.dtype)


@op("SSIM", tensors=2, module="image")
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """The structural similarity of images, 1 for equal ones.

    Of the pixels around a place, weighted by a Gaussian, let `m`, `v` and `c` be means, variances and covariance. With
    `C1 = (k1 max_val)^2` and `C2 = (k2 max_val)^2` the similarity there is
    `(2 m1 m2 + C1) (2 c + C2) / ((m1^2 + m2^2 + C1) (v1 + v2 + C2))`; the result is its mean over places and channels.

    Args:
        image1, image2: [batch, height, width, channels] or without the batch.
        max_val: The difference of the greatest and the least value that images can have.
        filter_size: The Gaussian's size in pixels.
        filter_sigma: Its width.
        k1, k2: Small numbers that keep the quotient bounded.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Returns:
        [batch], or a scalar without a batch.

    Raises:
        ValueError: If shapes differ, or images are smaller than the filter.

    Source:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
    """
    one, two = as_tensor(image1), as_tensor(image2)
    form = image_format(one, data_format, "ssim")
    if one.shape != two.shape:
        raise ValueError(f"ssim: the images must have the same shape, got {one.shape} and {two.shape}.")
    height, width = one.shape[-3:-1] if form == "channels_last" else one.shape[-2:]
    if min(filter_size if size is None else size for size in (height, width)) < filter_size:
        raise ValueError(f"ssim: images of shape {one.shape} are smaller than the filter of {filter_size}.")
    x, y = computed(one), computed(two)
    weights = _gaussian(filter_size, filter_sigma, x.dtype)
    kernels = (with_shape(weights, (filter_size, 1)), with_shape(weights, (1, filter_size)))

    def averaged(values: Any) -> Any:
        return _filtered(values, form, kernels, "valid")

    small1, small2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean1, mean2 = averaged(x), averaged(y)
    products, squares = mean1 * mean2, square(mean1) + square(mean2)
    covariance = averaged(x * y) - products
    variances = averaged(square(x) + square(y)) - squares
    similar = (products * 2.0 + small1) / (squares + small1) * (covariance * 2.0 + small2) / (variances + small2)
    return as_tensor(mean(similar, axis=(-3, -2, -1)), one.dtype)
