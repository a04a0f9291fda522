"""Matrix products, convolutions and pooling."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cornu_jax.kernels.common import Ints, Kernel, filled, in_float32, is_float, size_of

_EXACT = lax.Precision.HIGHEST
"""No shorter floats inside: GPUs would take 10 bits of fraction."""


def _matmul(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.matmul(x, y, precision=_EXACT)


def _layout(spatial: int, kernel: str = "OI") -> lax.ConvDimensionNumbers:
    """[N, C, *S] for images and results, and the kernel's axes in the order of `kernel`."""
    plain = tuple(range(spatial + 2))
    return lax.ConvDimensionNumbers(plain, (kernel.index("O"), kernel.index("I"), *plain[2:]), plain)


def _conv(x: jax.Array, w: jax.Array, strides: Ints, dilations: Ints, group: int) -> jax.Array:
    return lax.conv_general_dilated(
        x,
        w,
        strides,
        "VALID",
        rhs_dilation=dilations,
        dimension_numbers=_layout(x.ndim - 2),
        feature_group_count=group,
        precision=_EXACT,
    )


def _conv_transpose(
    x: jax.Array, w: jax.Array, strides: Ints, dilations: Ints, group: int, output_padding: Ints
) -> jax.Array:
    """A convolution of the dilated input with the turned kernel."""
    channels, outputs, *kernel = w.shape
    parts = lax.reshape(w, (group, channels // group, outputs, *kernel))
    spatial = tuple(range(3, parts.ndim))
    turned = lax.rev(lax.transpose(parts, (1, 0, 2, *spatial)), spatial)
    reach = [(k - 1) * dilation for k, dilation in zip(kernel, dilations, strict=True)]
    return lax.conv_general_dilated(
        x,
        lax.reshape(turned, (channels // group, group * outputs, *kernel)),
        [1] * len(kernel),
        [(r, r + rest) for r, rest in zip(reach, output_padding, strict=True)],
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=_layout(x.ndim - 2, "IO"),
        feature_group_count=group,
        precision=_EXACT,
    )


def _max_pool(x: jax.Array, kernel_shape: Ints, strides: Ints, dilations: Ints) -> jax.Array:
    least = -np.inf if is_float(x) else int(np.iinfo(x.dtype).min)
    return lax.reduce_window(
        x,
        filled(x, least),
        lax.max,
        (1, 1, *kernel_shape),
        (1, 1, *strides),
        "VALID",
        window_dilation=(1, 1, *dilations),
    )


def _average_pool(x: jax.Array, kernel_shape: Ints, strides: Ints, dilations: Ints) -> jax.Array:
    total = lax.reduce_window(
        x,
        filled(x, 0),
        lax.add,
        (1, 1, *kernel_shape),
        (1, 1, *strides),
        "VALID",
        window_dilation=(1, 1, *dilations),
    )
    return total / filled(x, size_of(kernel_shape))


KERNELS: dict[str, Kernel] = {
    "MatMul": in_float32(_matmul),
    "Conv": in_float32(_conv),
    "ConvTranspose": in_float32(_conv_transpose),
    "MaxPool": _max_pool,
    "AveragePool": in_float32(_average_pool),
}
