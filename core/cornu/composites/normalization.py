"""Normalization with gradient rules of few passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.composites.arithmetic import add, count, div, mean, mul, one, sub, total
from cornu.ir.types import numpy_dtype
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor, convert, dims


def batch_normalization_training(x: Tensor, gamma: Any, beta: Any, axis: int = -1, epsilon: float = 1e-3) -> Any:
    """`gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the batch's own mean and variance of every channel.

    Args:
        x: The input.
        gamma: (channels,), or None for ones.
        beta: (channels,), or None for zeros.
        axis: The axis of the channels.
        epsilon: Added to the variance.

    Returns:
        The result, the mean and the (biased) variance; the latter two of shape (channels,).
    """
    x = convert(x)
    axis %= len(x.shape)
    axes = tuple(i for i in range(len(x.shape)) if i != axis)
    channels = dims(x)[axis]
    gamma = _filled(channels, 1, x.dtype) if gamma is None else gamma
    beta = _filled(channels, 0, x.dtype) if beta is None else beta
    row = tuple(channels if i == axis else 1 for i in range(len(x.shape)))

    def wide(v: Tensor) -> Tensor:
        return one("Reshape", v, shape=row)

    def forward(x: Tensor, gamma: Tensor, beta: Tensor) -> Any:
        average = mean(x, axes, keepdims=False)
        centered = sub(x, wide(average))
        variance = mean(mul(centered, centered), axes, keepdims=False)
        inverse = one("Reciprocal", one("Sqrt", add(variance, epsilon)))
        y = add(mul(centered, wide(mul(gamma, inverse))), wide(beta))
        return (y, average, variance), (average, inverse)

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (average, inverse), (x, gamma, _), (g, g_mean, g_variance) = saved, inputs, cotangents
        centered = sub(x, wide(average))
        n = count(x, axes)
        g_beta = total(g, axes, keepdims=False)
        along = total(mul(g, centered), axes, keepdims=False)
        scale = mul(gamma, inverse)
        slope = div(sub(mul(g_variance, 2.0), mul(mul(scale, mul(inverse, inverse)), along)), n)
        shift = div(sub(g_mean, mul(scale, g_beta)), n)
        g_x = add(mul(g, wide(scale)), add(mul(centered, wide(slope)), wide(shift)))
        return g_x, mul(along, inverse), g_beta

    return composite(
        "BatchNormalizationTraining",
        forward,
        x,
        convert(gamma, x.dtype),
        convert(beta, x.dtype),
        vjp=backward,
        residuals=True,
        axis=axis,
        epsilon=float(epsilon),
    )


def layer_normalization(x: Tensor, gamma: Any, beta: Any, axes: Sequence[int], epsilon: float) -> Any:
    """`gamma * (x - mean) / sqrt(variance + epsilon) + beta` with mean and variance over `axes` of every sample.

    Args:
        x: The input.
        gamma: Of the shape of `x` along `axes`.
        beta: Likewise.
        axes: The axes, counted from the front and sorted.
        epsilon: Added to the variance.
    """
    axes = tuple(axes)
    others = tuple(i for i in range(len(x.shape)) if i not in axes)
    row = tuple(size if i in axes else 1 for i, size in enumerate(dims(x)))
    shape = tuple(dims(x)[i] for i in axes)

    def wide(v: Tensor) -> Tensor:
        return one("Reshape", v, shape=row)

    def forward(x: Tensor, gamma: Tensor, beta: Tensor) -> Any:
        centered = sub(x, mean(x, axes))
        inverse = one("Reciprocal", one("Sqrt", add(mean(mul(centered, centered), axes), epsilon)))
        normal = mul(centered, inverse)
        return add(mul(normal, wide(gamma)), wide(beta)), (normal, inverse)

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (normal, inverse), (_, gamma, _), (g,) = saved, inputs, cotangents
        scaled = mul(g, wide(gamma))
        pull = add(mean(scaled, axes), mul(normal, mean(mul(scaled, normal), axes)))
        g_gamma = one("Reshape", total(mul(g, normal), others, keepdims=False), shape=shape)
        g_beta = one("Reshape", total(g, others, keepdims=False), shape=shape)
        return mul(sub(scaled, pull), inverse), g_gamma, g_beta

    return composite(
        "LayerNormalization",
        forward,
        x,
        convert(gamma, x.dtype),
        convert(beta, x.dtype),
        vjp=backward,
        residuals=True,
        axes=axes,
        epsilon=float(epsilon),
    )


def _filled(size: Any, value: int, dtype: str) -> Tensor:
    return one("Expand", convert(np.full((1,), value, numpy_dtype(dtype))), shape=(size,))
