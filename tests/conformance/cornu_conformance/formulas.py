"""Definitions of windowed and indexed operators as plain loops over Python indices: slow, and plain to see."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

Ints = Sequence[int]


def positions(shape: Ints) -> Iterator[tuple[int, ...]]:
    """Every index of an array, in row-major order."""
    return itertools.product(*map(range, shape))


def conv(x: np.ndarray, w: np.ndarray, strides: Ints, dilations: Ints, group: int) -> np.ndarray:
    """`y[n, o, p] = sum over c, k of x[n, first(o) + c, p * stride + k * dilation] * w[o, c, k]`."""
    outputs, inner, *kernel = w.shape
    counts = [
        (s - (k - 1) * d - 1) // t + 1 for s, k, t, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    ]
    y = np.zeros((x.shape[0], outputs, *counts))
    for n, o, *p in positions(y.shape):
        first = o // (outputs // group) * inner
        for c, *k in positions(w.shape[1:]):
            at = tuple(i * t + j * d for i, j, t, d in zip(p, k, strides, dilations, strict=True))
            y[(n, o, *p)] += x[(n, first + c, *at)] * w[(o, c, *k)]
    return y


def conv_transpose(
    x: np.ndarray, w: np.ndarray, strides: Ints, dilations: Ints, group: int, output_padding: Ints
) -> np.ndarray:
    """`y[n, first(c) + o, p * stride + k * dilation] += x[n, c, p] * w[c, o, k]`."""
    channels, inner, *kernel = w.shape
    sizes = [
        (p - 1) * t + (k - 1) * d + 1 + extra
        for p, k, t, d, extra in zip(x.shape[2:], kernel, strides, dilations, output_padding, strict=True)
    ]
    y = np.zeros((x.shape[0], inner * group, *sizes))
    for n, c, *p in positions(x.shape):
        first = c // (channels // group) * inner
        for o, *k in positions(w.shape[1:]):
            at = tuple(i * t + j * d for i, j, t, d in zip(p, k, strides, dilations, strict=True))
            y[(n, first + o, *at)] += x[(n, c, *p)] * w[(c, o, *k)]
    return y


def pool(
    function: Callable[[list[float]], float], x: np.ndarray, kernel_shape: Ints, strides: Ints, dilations: Ints
) -> np.ndarray:
    """A function of the elements of every window."""
    counts = [
        (s - (k - 1) * d - 1) // t + 1 for s, k, t, d in zip(x.shape[2:], kernel_shape, strides, dilations, strict=True)
    ]
    y = np.zeros((*x.shape[:2], *counts))
    for n, c, *p in positions(y.shape):
        window = [
            float(x[(n, c, *(i * t + j * d for i, j, t, d in zip(p, k, strides, dilations, strict=True)))])
            for k in positions(kernel_shape)
        ]
        y[(n, c, *p)] = function(window)
    return y


def reduction(function: Callable[[list[float]], float], x: np.ndarray, axes: Ints, keepdims: bool) -> np.ndarray:
    """A function of the elements that differ only along `axes`."""
    kept = [1 if i in axes else size for i, size in enumerate(x.shape)]
    y = np.zeros(kept)
    for at in positions(kept):
        ranges = [range(x.shape[i]) if i in axes else [at[i]] for i in range(x.ndim)]
        y[at] = function([float(x[index]) for index in itertools.product(*ranges)])
    return y if keepdims else y.reshape([size for i, size in enumerate(x.shape) if i not in axes])


def along(function: Callable[[list[float]], Sequence[float]], x: np.ndarray, axis: int) -> np.ndarray:
    """A function of the elements along an axis, to as many or fewer of them."""
    rows = np.moveaxis(x, axis, -1)
    results = [function(row.tolist()) for row in rows.reshape(math.prod(rows.shape[:-1]), rows.shape[-1])]
    return np.moveaxis(np.array(results).reshape(*rows.shape[:-1], -1), -1, axis)


def scatter_elements(
    data: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int, combine: Callable[[float, float], float]
) -> np.ndarray:
    """`y[indices[i, j], j] = combine(y[indices[i, j], j], updates[i, j])` for axis 0."""
    y = data.copy()
    for at in positions(indices.shape):
        place = (*at[:axis], indices[at], *at[axis + 1 :])
        y[place] = combine(y[place], updates[at])
    return y


def scatter_nd(
    data: np.ndarray, indices: np.ndarray, updates: np.ndarray, combine: Callable[[float, float], float]
) -> np.ndarray:
    """`y[indices[i]] = combine(y[indices[i]], updates[i])`, where the last axis of `indices` is a position."""
    y = data.copy()
    for at in positions(indices.shape[:-1]):
        place = tuple(indices[at].tolist())
        for rest in positions(data.shape[len(place) :]):
            y[place + rest] = combine(y[place + rest], updates[at + rest])
    return y
