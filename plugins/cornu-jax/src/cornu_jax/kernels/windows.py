"""Convolutions and pooling.

XLA's own kernels are the rule. On a CPU its convolutions in groups and its windows are slow by a factor of 10 to 100.
What has few elements in a window is therefore written as sums over these elements, which XLA fuses into one loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cornu_jax.kernels.common import Function, Ints, Kernel, filled, in_float32, is_float, size_of

_EXACT = lax.Precision.HIGHEST
"""No shorter floats inside: GPUs would take 10 bits of fraction."""

_FEW = 64
"""How many elements of a window are written out."""

Pads = Sequence[tuple[int, int]]


def _places(x: jax.Array, kernel: Ints, counts: Ints, strides: Ints, dilations: Ints) -> Iterator[jax.Array]:
    """For each place in a window the elements there: [N, C, *counts]; places come in row-major order."""
    for place in itertools.product(*map(range, kernel)):
        starts = [i * dilation for i, dilation in zip(place, dilations, strict=True)]
        ends = [start + (n - 1) * stride + 1 for start, n, stride in zip(starts, counts, strides, strict=True)]
        yield lax.slice(x, (0, 0, *starts), (*x.shape[:2], *ends), (1, 1, *strides))


def _counts(x: jax.Array, kernel: Ints, strides: Ints, dilations: Ints) -> list[int]:
    return [
        (size - (k - 1) * dilation - 1) // stride + 1
        for size, k, stride, dilation in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    ]


def _layout(spatial: int, image: str = "NC", kernel: str = "OI") -> lax.ConvDimensionNumbers:
    """The order of the first two axes of images (and of the result, in the same order) and of kernels."""
    rest = tuple(range(2, spatial + 2))
    images = (image.index("N"), image.index("C"), *rest)
    return lax.ConvDimensionNumbers(images, (kernel.index("O"), kernel.index("I"), *rest), images)


# -- convolutions --------------------------------------------------------------------------------------------------


def _conv(
    x: jax.Array, w: jax.Array, strides: Ints, dilations: Ints, group: int, around: Pads | None = None
) -> jax.Array:
    if w.shape[1] == 1 and group > 1 and size_of(w.shape[2:]) <= _FEW and w.size and x.size:
        return _depthwise(_padded(x, around), w, strides, dilations)
    return lax.conv_general_dilated(
        x,
        w,
        strides,
        around or "VALID",
        rhs_dilation=dilations,
        dimension_numbers=_layout(x.ndim - 2),
        feature_group_count=group,
        precision=_EXACT,
    )


def _padded(x: jax.Array, around: Pads | None, strides: Ints | None = None) -> jax.Array:
    """Zeros around the spatial axes, and `stride - 1` of them between neighbours."""
    if around is None:
        return x
    gaps = [stride - 1 for stride in strides or [1] * len(around)]
    pads = [(before, after, gap) for (before, after), gap in zip(around, gaps, strict=True)]
    return lax.pad(x, filled(x, 0), [(0, 0, 0), (0, 0, 0), *pads])


def _depthwise(x: jax.Array, w: jax.Array, strides: Ints, dilations: Ints) -> jax.Array:
    """Every channel by itself: a sum of products for each place in the kernel."""
    kernel, (n, channels) = w.shape[2:], x.shape[:2]
    counts = _counts(x, kernel, strides, dilations)
    factors = lax.reshape(w, (1, channels, w.shape[0] // channels, *[1] * len(kernel), size_of(kernel)))
    terms = [
        lax.expand_dims(part, [2]) * factors[..., i]
        for i, part in enumerate(_places(x, kernel, counts, strides, dilations))
    ]
    return lax.reshape(reduce(lax.add, terms), (n, w.shape[0], *counts))


def _conv_transpose(
    x: jax.Array,
    w: jax.Array,
    strides: Ints,
    dilations: Ints,
    group: int,
    output_padding: Ints,
    crop: Pads | None = None,
) -> jax.Array:
    """A convolution of the dilated input with the turned kernel."""
    channels, outputs, *kernel = w.shape
    ones = [1] * len(kernel)
    reach = [(k - 1) * dilation for k, dilation in zip(kernel, dilations, strict=True)]
    cut = crop or [(0, 0)] * len(kernel)
    around = [(r - a, r + rest - b) for r, rest, (a, b) in zip(reach, output_padding, cut, strict=True)]
    if channels == group > 1 and size_of(kernel) <= _FEW and w.size and x.size:
        turned = lax.reshape(_turned(w), (channels * outputs, 1, *kernel))
        return _depthwise(_padded(x, around, strides), turned, ones, dilations)
    parts = lax.reshape(_turned(w), (group, channels // group, outputs, *kernel))
    turned = lax.reshape(
        lax.transpose(parts, (1, 0, *range(2, parts.ndim))), (channels // group, group * outputs, *kernel)
    )
    return lax.conv_general_dilated(
        x,
        turned,
        ones,
        around,
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=_layout(x.ndim - 2, kernel="IO"),
        feature_group_count=group,
        precision=_EXACT,
    )


def _turned(w: jax.Array) -> jax.Array:
    return lax.rev(w, range(2, w.ndim))


def _conv_weight_grad(
    x: jax.Array,
    g: jax.Array,
    kernel_shape: Ints,
    strides: Ints,
    dilations: Ints,
    group: int,
    around: Pads | None = None,
) -> jax.Array:
    """`dw[o, c, k] = sum over n, p of g[n, o, p] * x[n, c, p * stride + k * dilation]`, in groups of channels."""
    inner = x.shape[1] // group
    if not x.size or not g.size:
        return jnp.zeros((g.shape[1], inner, *kernel_shape), x.dtype)
    if _by_places(x.shape[1], g.shape[1], group, kernel_shape):
        one = _place_grad_alone if inner == 1 and group > 1 else _place_grad
        places = _places(_padded(x, around), kernel_shape, g.shape[2:], strides, dilations)
        parts = [one(part, g, group) for part in places]
        return lax.reshape(jnp.stack(parts, -1), (g.shape[1], inner, *kernel_shape))
    if around is None:
        # Without any padding XLA chooses a kernel for CPUs that takes two to five times as long (jaxlib 0.10).
        around = [(0, 0)] * (x.ndim - 3) + [(0, 1)]
    # The roles exchanged: channels are the batch, and the cotangent is the kernel.
    whole = lax.conv_general_dilated(
        x,
        g,
        dilations,
        around,
        rhs_dilation=strides,
        dimension_numbers=_layout(x.ndim - 2, "CN", "IO"),
        batch_group_count=group,
        precision=_EXACT,
    )
    return lax.slice(whole, [0] * x.ndim, (*whole.shape[:2], *kernel_shape))


def _by_places(channels: int, outputs: int, group: int, kernel: Ints) -> bool:
    """Whether a product of matrices for each place in the kernel is faster than a convolution, on a CPU."""
    if group > 1:
        return not group == channels == outputs
    return size_of(kernel) == 1 or (len(kernel) == 3 and size_of(kernel) <= _FEW)


def _place_grad(part: jax.Array, g: jax.Array, group: int) -> jax.Array:
    """For one place in the kernel: [group, O / group, C / group]."""
    rows, columns = _rows(g, group), _rows(part, group)
    return lax.dot_general(rows, columns, (((0,), (0,)), ((1,), (1,))), precision=_EXACT)


def _rows(x: jax.Array, group: int) -> jax.Array:
    """[N * places, group, channels / group]: channels last, as Keras's models have them before they come here."""
    last = lax.transpose(x, (0, *range(2, x.ndim), 1))
    return lax.reshape(last, (size_of(last.shape[:-1]), group, last.shape[-1] // group))


def _place_grad_alone(part: jax.Array, g: jax.Array, group: int) -> jax.Array:
    """The same for channels by themselves, without a product of matrices."""
    cotangents = lax.reshape(g, (g.shape[0], group, g.shape[1] // group, *g.shape[2:]))
    products = cotangents * lax.expand_dims(part, [2])
    return jnp.sum(products, (0, *range(3, products.ndim)))


# -- pooling -------------------------------------------------------------------------------------------------------


def _pooled(
    function: Function, start: float, x: jax.Array, kernel_shape: Ints, strides: Ints, dilations: Ints
) -> jax.Array:
    if sum(kernel_shape) <= _FEW and x.size:
        return _pooled_by_axes(function, x, kernel_shape, strides, dilations)
    window, steps, gaps = ((1, 1, *values) for values in (kernel_shape, strides, dilations))
    result: jax.Array = lax.reduce_window(x, filled(x, start), function, window, steps, "VALID", window_dilation=gaps)
    return result


def _pooled_by_axes(function: Function, x: jax.Array, kernel_shape: Ints, strides: Ints, dilations: Ints) -> jax.Array:
    """One axis after the other, as windows are separable."""
    spatial = len(kernel_shape)
    for axis in reversed(range(spatial)):
        kernel, stride, dilation = (
            [values[i] if i == axis else 1 for i in range(spatial)] for values in (kernel_shape, strides, dilations)
        )
        counts = _counts(x, kernel, stride, dilation)
        x = reduce(function, _places(x, kernel, counts, stride, dilation))
    return x


def _max_pool(x: jax.Array, kernel_shape: Ints, strides: Ints, dilations: Ints) -> jax.Array:
    least = -np.inf if is_float(x) else int(np.iinfo(x.dtype).min)
    return _pooled(lax.max, least, x, kernel_shape, strides, dilations)


def _average_pool(x: jax.Array, kernel_shape: Ints, strides: Ints, dilations: Ints) -> jax.Array:
    return _pooled(lax.add, 0, x, kernel_shape, strides, dilations) / filled(x, size_of(kernel_shape))


KERNELS: dict[str, Kernel] = {
    "Conv": in_float32(_conv),
    "ConvTranspose": in_float32(_conv_transpose),
    "ConvWeightGrad": in_float32(_conv_weight_grad),
    "MaxPool": _max_pool,
    "AveragePool": in_float32(_average_pool),
}
