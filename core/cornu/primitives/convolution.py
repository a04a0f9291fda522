"""Convolutions without padding: three bilinear maps that are one another's adjoints.

With `y = Conv(x, w)`, the cotangent of `x` is `ConvTranspose(g, w)` and the cotangent of `w` is the composite
`ConvWeightGrad(x, g)`; every higher derivative is again one of the three.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, product
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_dtype, require_equal, same_dtype
from cornu.ir.types import FLOATS, TensorType
from cornu.primitives.movement import flip, zero_stuffed
from cornu.primitives.windows import Ints, check_spatial, pad_axis, window_count, window_extent


def _check_operands(x: TensorType, w: TensorType, strides: Ints, dilations: Ints, group: int, what: str) -> None:
    check_dtype(x, FLOATS, what)
    same_dtype((x, w), what)
    check_spatial(x, what, strides=strides, dilations=dilations)
    if w.rank != x.rank:
        raise ValueError(f"{what}'s kernel has as many axes as its input, got {x} and {w}.")
    if group < 1 or (isinstance(w.shape[0], int) and w.shape[0] % group):
        raise ValueError(f"{what}: group {group} does not divide the first axis of the kernel {w}.")


def _infer_conv(x: TensorType, w: TensorType, strides: Ints, dilations: Ints, group: int) -> TensorType:
    """`y[n, o, p] = sum over c, k of x[n, c, p * stride + k * dilation] * w[o, c, k]`, within each group of channels.

    `x` is [N, C, *S], `w` [O, C / group, *K], the result [N, O, *P] with
    `P = (S - (K - 1) * dilation - 1) // stride + 1`.

    Shape: [N, C, *S], [O, C / group, *K] give [N, O, *P], where P = (S - (K - 1) * dilation - 1) // stride + 1.
    """
    _check_operands(x, w, strides, dilations, group, "Conv")
    require_equal(x.shape[1], w.shape[1] * group, f"Conv's input channels of {x} and {w} in {group} groups")
    spatial = tuple(
        window_count(size, kernel, stride, dilation, f"Conv of {x} with {w}")
        for size, kernel, stride, dilation in zip(x.shape[2:], w.shape[2:], strides, dilations, strict=True)
    )
    return TensorType(x.dtype, (x.shape[0], w.shape[0], *spatial))


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.itemsize == 2 else array


def _columns(x: np.ndarray, kernel: Ints, strides: Ints, dilations: Ints, group: int) -> np.ndarray:
    """Every window as a column: [N, group, C / group * K, P]."""
    n, channels = x.shape[:2]
    counts = [
        (s - (k - 1) * d - 1) // stride + 1
        for s, k, stride, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    ]
    within = [step * d for step, d in zip(x.strides[2:], dilations, strict=True)]
    between = [step * s for step, s in zip(x.strides[2:], strides, strict=True)]
    view = as_strided(x, (n, channels, *kernel, *counts), (*x.strides[:2], *within, *between), writeable=False)
    return view.reshape(n, group, channels // group * math.prod(kernel), math.prod(counts))


def _conv(x: np.ndarray, w: np.ndarray, strides: Ints, dilations: Ints, group: int) -> np.ndarray:
    columns = _columns(_wide(x), w.shape[2:], strides, dilations, group)
    rows = _wide(w).reshape(group, w.shape[0] // group, columns.shape[2])
    counts = [
        (s - (k - 1) * d - 1) // stride + 1
        for s, k, stride, d in zip(x.shape[2:], w.shape[2:], strides, dilations, strict=True)
    ]
    result: np.ndarray = np.matmul(rows, columns).reshape(x.shape[0], w.shape[0], *counts)
    return result.astype(x.dtype, copy=False)


def _conv_vjp(b: Builder, node: Node, g: Value) -> tuple[Value, Value]:
    x, w = node.inputs
    a = node.attributes
    return (
        input_gradient(b, g, w, b.resolve_type(x.type), **a),
        weight_gradient(b, x, g, b.resolve_type(w.type).shape[2:], **a),  # type: ignore[arg-type]
    )


def input_gradient(b: Builder, g: Value, w: Value, x: TensorType, strides: Ints, dilations: Ints, group: int) -> Value:
    """The cotangent of a convolution's input of type `x`.

    What the strides left over at the end of an axis gets zeros: by `output_padding` where it is a known number, by a
    Pad where it depends on a size.
    """
    kernel, counts = b.resolve_type(w.type).shape[2:], b.resolve_type(g.type).shape[2:]
    left = [
        size - (count - 1) * stride - window_extent(k, dilation)
        for size, count, k, stride, dilation in zip(x.shape[2:], counts, kernel, strides, dilations, strict=True)
    ]
    inside = tuple(rest if isinstance(rest, int) else 0 for rest in left)
    result = b.ConvTranspose(g, w, strides=strides, dilations=dilations, group=group, output_padding=inside)
    for axis, rest in enumerate(left):
        if not isinstance(rest, int):
            result = pad_axis(b, result, axis + 2, 0, rest)
    return result  # type: ignore[no-any-return]


def weight_gradient(b: Builder, x: Value, g: Value, kernel: Ints, strides: Ints, dilations: Ints, group: int) -> Value:
    """The cotangent of a convolution's kernel, as the composite `ConvWeightGrad` of the input and the cotangent."""
    body = Builder("ConvWeightGrad")
    inner_x, inner_g = body.input(b.resolve_type(x.type), "x"), body.input(b.resolve_type(g.type), "g")
    result = _weight_gradient(body, inner_x, inner_g, kernel, strides, dilations, group)
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "group": group}
    return b.emit("Call", (x, g), {"name": "ConvWeightGrad", "body": body.finish([result]), **attributes})[0]


def _weight_gradient(b: Builder, x: Value, g: Value, kernel: Ints, strides: Ints, dilations: Ints, group: int) -> Value:
    """`dw[o, c, k] = sum over n, p of g[n, o, p] * x[n, c, p * stride + k * dilation]`: im2col and a product."""
    n, outputs = b.resolve_type(g.type).shape[:2]
    positions = product(b.resolve_type(g.type).shape[2:])
    columns, inner = columns_of(b, x, kernel, strides, dilations, group)
    rows = b.Reshape(g, shape=(n, group, outputs // group, positions))
    products = b.MatMul(rows, b.Transpose(columns, perm=(0, 1, 3, 2)))
    total = b.ReduceSum(products, axes=(0,), keepdims=False)
    split = b.Reshape(total, shape=(outputs, math.prod(kernel), inner))
    return b.Reshape(b.Transpose(split, perm=(0, 2, 1)), shape=(outputs, inner, *kernel))  # type: ignore[no-any-return]


def columns_of(b: Builder, x: Value, kernel: Ints, strides: Ints, dilations: Ints, group: int) -> tuple[Value, DimLike]:
    """Every window of `x` as a column ([N, group, K * C / group, P]), and the channels in a group."""
    n, channels, *sizes = b.resolve_type(x.type).shape
    counts = [
        window_count(size, k, stride, dilation, "A convolution")
        for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    inner, positions = channels // group, product(counts)
    axes = tuple(range(2, 2 + len(kernel)))
    parts = []
    for offset in itertools.product(*map(range, kernel)):
        starts = tuple(i * dilation for i, dilation in zip(offset, dilations, strict=True))
        ends = tuple(s + (c - 1) * stride + 1 for s, c, stride in zip(starts, counts, strides, strict=True))
        part = b.Slice(x, starts=starts, ends=ends, axes=axes, steps=strides)
        parts.append(b.Reshape(part, shape=(n, group, inner, positions)))
    return (parts[0] if len(parts) == 1 else b.Concat(*parts, axis=2)), inner


def _conv_decompose(b: Builder, node: Node) -> tuple[Value]:
    """im2col and one matrix product."""
    x, w = node.inputs
    shape = node.outputs[0].shape
    kernel: Ints = w.shape[2:]  # type: ignore[assignment]
    a = node.attributes
    columns, inner = columns_of(b, x, kernel, a["strides"], a["dilations"], a["group"])
    group, outputs, size = a["group"], w.shape[0], math.prod(kernel)
    flat = b.Reshape(w, shape=(group, outputs // group, inner, size))
    rows = b.Reshape(b.Transpose(flat, perm=(0, 1, 3, 2)), shape=(group, outputs // group, inner * size))
    return (b.Reshape(b.MatMul(rows, columns), shape=shape),)


register(Primitive("Conv", _infer_conv, _conv, _conv_vjp, _conv_decompose))


# -- transposed ----------------------------------------------------------------------------------------------------


def _infer_transposed(
    x: TensorType, w: TensorType, strides: Ints, dilations: Ints, group: int, output_padding: Ints
) -> TensorType:
    """`y[n, o, p * stride + k * dilation] += x[n, c, p] * w[c, o, k]`, within each group of channels.

    `x` is [N, C, *P], `w` [C, O / group, *K], the result [N, O, *S] with
    `S = (P - 1) * stride + (K - 1) * dilation + 1 + output_padding`, where `output_padding < stride` counts zeros at
    the end.

    Shape: [N, C, *S], [C, O / group, *K] give [N, O, *P]: P = (S - 1) * stride + (K - 1) * dilation + 1 + padding.
    """
    _check_operands(x, w, strides, dilations, group, "ConvTranspose")
    require_equal(x.shape[1], w.shape[0], f"ConvTranspose's input channels of {x} and {w}")
    if len(output_padding) != len(strides) or any(
        not 0 <= extra < stride for extra, stride in zip(output_padding, strides, strict=True)
    ):
        raise ValueError(f"ConvTranspose's output_padding {output_padding} must lie below the strides {strides}.")
    spatial = tuple(
        (count - 1) * stride + window_extent(kernel, dilation) + extra
        for count, kernel, stride, dilation, extra in zip(
            x.shape[2:], w.shape[2:], strides, dilations, output_padding, strict=True
        )
    )
    return TensorType(x.dtype, (x.shape[0], w.shape[1] * group, *spatial))


def _transposed(
    x: np.ndarray, w: np.ndarray, strides: Ints, dilations: Ints, group: int, output_padding: Ints
) -> np.ndarray:
    n, channels, *counts = x.shape
    outputs, kernel = w.shape[1] * group, w.shape[2:]
    inner, size, positions = channels // group, w.shape[1] * math.prod(kernel), math.prod(counts)
    rows = _wide(w).reshape(group, inner, size).swapaxes(1, 2)
    columns = np.matmul(rows, _wide(x).reshape(n, group, inner, positions)).reshape(n, outputs, *kernel, *counts)
    extents = [
        (c - 1) * s + (k - 1) * d + 1 + extra
        for c, s, k, d, extra in zip(counts, strides, kernel, dilations, output_padding, strict=True)
    ]
    result = np.zeros((n, outputs, *extents), columns.dtype)
    for offset in itertools.product(*map(range, kernel)):
        place = tuple(
            slice(i * d, i * d + (c - 1) * s + 1, s)
            for i, d, c, s in zip(offset, dilations, counts, strides, strict=True)
        )
        result[(slice(None), slice(None), *place)] += columns[(slice(None), slice(None), *offset)]
    return result.astype(x.dtype, copy=False)


def _transposed_vjp(b: Builder, node: Node, g: Value) -> tuple[Value, Value]:
    x, w = node.inputs
    a = {name: node.attributes[name] for name in ("strides", "dilations", "group")}
    kernel = b.resolve_type(w.type).shape[2:]
    return b.Conv(g, w, **a), weight_gradient(b, g, x, kernel, **a)  # type: ignore[arg-type]


def _transposed_decompose(b: Builder, node: Node) -> tuple[Value]:
    """A convolution of the dilated and padded input with the flipped kernel."""
    x, w = node.inputs
    a = node.attributes
    channels, inner, *kernel = w.shape
    group, spatial = a["group"], len(kernel)
    spread = x
    for i, (k, dilation, stride) in enumerate(zip(kernel, a["dilations"], a["strides"], strict=True)):
        reach = (k - 1) * dilation
        spread = zero_stuffed(b, spread, i + 2, stride - 1) if stride > 1 else spread
        spread = _pad_or_crop(b, spread, i + 2, reach, reach + a["output_padding"][i] - (stride - 1))
    flipped = flip(b, w, tuple(range(2, 2 + spatial)))
    grouped = b.Reshape(flipped, shape=(group, channels // group, inner, *kernel))
    swapped = b.Transpose(grouped, perm=(0, 2, 1, *range(3, 3 + spatial)))
    turned = b.Reshape(swapped, shape=(inner * group, channels // group, *kernel))
    return (b.Conv(spread, turned, strides=(1,) * spatial, dilations=a["dilations"], group=group),)


def _pad_or_crop(b: Builder, x: Value, axis: int, before: int, after: int) -> Value:
    """Pads an axis; a negative `after` crops it."""
    if after >= 0:
        return pad_axis(b, x, axis, before, after)
    size = b.resolve_type(x.type).shape[axis]
    cropped = b.Slice(x, starts=(0,), ends=(size + after,), axes=(axis,), steps=(1,))
    return pad_axis(b, cropped, axis, before, 0)


register(Primitive("ConvTranspose", _infer_transposed, _transposed, _transposed_vjp, _transposed_decompose))
