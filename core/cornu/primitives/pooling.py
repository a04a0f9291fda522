"""Pooling without padding: callers pad (with -inf for maxima) and divide by other counts where they need to."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_dtype
from cornu.ir.types import FLOATS, NUMBERS, TensorType, numpy_dtype
from cornu.primitives.convolution import input_gradient
from cornu.primitives.windows import (
    Ints,
    check_spatial,
    disjoint,
    put_windows,
    take_windows,
    window_count,
    window_slices,
)

Windows = list[tuple[int, int, int, int]]


def _pooled(x: TensorType, kernel_shape: Ints, strides: Ints, dilations: Ints, what: str) -> TensorType:
    check_spatial(x, what, kernel_shape=kernel_shape, strides=strides, dilations=dilations)
    spatial = tuple(
        window_count(size, kernel, stride, dilation, f"{what} of {x}")
        for size, kernel, stride, dilation in zip(x.shape[2:], kernel_shape, strides, dilations, strict=True)
    )
    return TensorType(x.dtype, (*x.shape[:2], *spatial))


def _windows(kernel_shape: Ints, strides: Ints, dilations: Ints) -> Windows:
    """(axis, kernel, stride, dilation) for every axis, the last axis first: windows are separable."""
    axes = range(2, 2 + len(kernel_shape))
    return list(zip(axes, kernel_shape, strides, dilations, strict=True))[::-1]


# -- maximum -------------------------------------------------------------------------------------------------------


def _infer_max(x: TensorType, kernel_shape: Ints, strides: Ints, dilations: Ints) -> TensorType:
    """The largest element of every window of [N, C, *S]; NaN where the window holds one.

    Shape: [N, C, *S] gives [N, C, *P], where P = (S - (kernel - 1) * dilation - 1) // stride + 1.
    """
    check_dtype(x, NUMBERS, "MaxPool")
    return _pooled(x, kernel_shape, strides, dilations, "MaxPool")


def _max(x: np.ndarray, kernel_shape: Ints, strides: Ints, dilations: Ints) -> np.ndarray:
    for window in _windows(kernel_shape, strides, dilations):
        x = reduce(np.maximum, window_slices(x, *window))
    return x


def _max_decompose(b: Builder, node: Node) -> tuple[Value]:
    x = node.inputs[0]
    for window in _windows(**node.attributes):
        x = reduce(b.Max, take_windows(b, x, *window))
    return (x,)


def _max_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """The composite `MaxPoolGrad` of the input and the cotangent."""
    x = node.inputs[0]
    body = Builder("MaxPoolGrad")
    inner_x, inner_g = body.input(b.resolve_type(x.type), "x"), body.input(b.resolve_type(g.type), "g")
    result = _max_gradient(body, inner_x, inner_g, _windows(**node.attributes))
    attributes = {"name": "MaxPoolGrad", "body": body.finish([result]), **node.attributes}
    return (b.emit("Call", (x, g), attributes)[0],)


def _max_gradient(b: Builder, x: Value, g: Value, windows: Windows) -> Value:
    """Each window's cotangent goes to its first maximum in row-major order.

    That choice is separable: the first row that attains the maximum, and in it the first column. A NaN ends the search:
    nothing behind it counts as larger.
    """
    stages = []
    for axis, kernel, stride, dilation in windows:
        first, *others = take_windows(b, x, axis, kernel, stride, dilation)
        size, best, wins = b.resolve_type(x.type).shape[axis], first, []
        for other in others:
            wins.append(b.Cast(b.Greater(other, best), to=x.dtype))
            best = b.Max(best, other)
        stages.append((axis, size, stride, dilation, wins))
        x = best
    for axis, size, stride, dilation, wins in reversed(stages):
        parts = []
        for win in reversed(wins):
            parts.append(b.Mul(g, win))
            g = b.Sub(g, parts[-1])
        g = put_windows(b, [g, *reversed(parts)], size, axis, stride, dilation)
    return g


register(Primitive("MaxPool", _infer_max, _max, _max_vjp, _max_decompose))


# -- average -------------------------------------------------------------------------------------------------------


def _infer_average(x: TensorType, kernel_shape: Ints, strides: Ints, dilations: Ints) -> TensorType:
    """The mean of every window of [N, C, *S].

    Shape: [N, C, *S] gives [N, C, *P], where P = (S - (kernel - 1) * dilation - 1) // stride + 1.
    """
    check_dtype(x, FLOATS, "AveragePool")
    return _pooled(x, kernel_shape, strides, dilations, "AveragePool")


def _average(x: np.ndarray, kernel_shape: Ints, strides: Ints, dilations: Ints) -> np.ndarray:
    total = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    for window in _windows(kernel_shape, strides, dilations):
        total = reduce(np.add, window_slices(total, *window))
    return (total / total.dtype.type(math.prod(kernel_shape))).astype(x.dtype)


def _average_decompose(b: Builder, node: Node) -> tuple[Value]:
    total = node.inputs[0]
    for window in _windows(**node.attributes):
        total = reduce(b.Add, take_windows(b, total, *window))
    return (b.Div(total, math.prod(node.attributes["kernel_shape"])),)


def _average_vjp(b: Builder, node: Node, g: Value) -> tuple[Value]:
    """Each window's cotangent in equal shares to its elements."""
    x = b.resolve_type(node.inputs[0].type)
    kernel_shape, strides, dilations = (node.attributes[name] for name in ("kernel_shape", "strides", "dilations"))
    windows = _windows(kernel_shape, strides, dilations)
    if all(disjoint(*window[1:]) for window in windows):
        g = b.Div(g, math.prod(kernel_shape))
        for axis, kernel, stride, dilation in reversed(windows):
            g = put_windows(b, [g] * kernel, x.shape[axis], axis, stride, dilation)
        return (g,)
    n, channels, *counts = b.resolve_type(g.type).shape
    share = np.full((1, 1, *kernel_shape), 1 / math.prod(kernel_shape), numpy_dtype(x.dtype))
    images = TensorType(x.dtype, (n * channels, 1, *x.shape[2:]))
    flat = b.Reshape(g, shape=(n * channels, 1, *counts))
    spread = input_gradient(b, flat, b.constant(share), images, strides=strides, dilations=dilations, group=1)
    return (b.Reshape(spread, shape=x.shape),)


register(Primitive("AveragePool", _infer_average, _average, _average_vjp, _average_decompose))
