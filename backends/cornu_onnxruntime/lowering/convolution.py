"""Convolutions whose weights change, in the blocked layout.

ONNX Runtime's own rewriting to that layout only touches convolutions with constant weights.
"""

from __future__ import annotations

import math
from typing import Any

from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter
from cornu.ir.program import Node, Value

from cornu_onnxruntime.lowering.blocks import blocked_conv, filled, filter_blocks, reorder_input, reorder_output
from cornu_onnxruntime.lowering.nodes import add_call, is_call, settings_of
from cornu_onnxruntime.lowering.shapes import is_static, sizes

Ints = tuple[int, ...]

MOST_FILLING = 1.5
"""How many times as much as without filled blocks may be computed; from there on the plain form is as fast."""


def padding_of(r: Rewriter, x: Value) -> tuple[Value, Ints]:
    """What `x` is a Pad of, with the zeros before and behind its spatial axes; `x` itself and no zeros otherwise."""
    spatial = x.type.rank - 2
    node = r.producer(x, "Pad")
    if node is not None:
        a = node.attributes
        widths = (*a["before"], *a["after"])
        if (
            a["mode"] == "constant"
            and a["value"] == 0
            and all(isinstance(width, int) and width >= 0 for width in widths)
            and not any((*a["before"][:2], *a["after"][:2]))
        ):
            return node.inputs[0], (*a["before"][2:], *a["after"][2:])
    return x, (0,) * (2 * spatial)


def plain_images(r: Rewriter, node: Node) -> bool:
    """Whether it is a two-dimensional convolution of single-precision numbers in one group with weights that change."""
    x, w = node.inputs[:2]
    return (
        x.type.rank == 4
        and x.dtype == "float32"
        and attributes_of(node)["group"] == 1
        and is_static(x, w)
        and r.constant(w) is None
    )


def attributes_of(node: Node) -> dict[str, Any]:
    """The attributes of a convolution, whichever form it has."""
    return settings_of(node) if "settings" in node.attributes else dict(node.attributes)


def pointwise(r: Rewriter, node: Node) -> Value | None:
    """A convolution with a window of 1 is a matrix product."""
    x, w = node.inputs
    a = node.attributes
    if not plain_images(r, node) or any(k != 1 for k in w.shape[2:]):
        return None
    if any(stride != 1 for stride in a["strides"]):
        ends = tuple((count - 1) * s + 1 for count, s in zip(node.outputs[0].shape[2:], a["strides"], strict=True))
        x = r.emit("Slice", x, starts=(0, 0), ends=ends, axes=(2, 3), steps=a["strides"])
    n, channels, *spatial = sizes(x)
    flat = r.reshape(x, (n, channels, math.prod(spatial)))
    product = r.emit("MatMul", r.reshape(w, w.shape[:2]), flat)
    return r.reshape(product, node.outputs[0].shape)


def fits_blocks(inputs: int, outputs: int, block: int) -> bool:
    """Whether so many channels gain from the blocked layout: what fills up the blocks is computed, too."""
    full = filled(inputs, block) * filled(outputs, block)
    return inputs >= block and inputs % 4 == 0 and full <= MOST_FILLING * inputs * outputs


def conv_in_blocks(r: Rewriter, node: Node, block: int) -> Value | None:
    """A convolution of enough channels is one of blocks; zeros around its input are its own `pads`."""
    if not plain_images(r, node):
        return None
    w, a = node.inputs[1], node.attributes
    outputs, inner = sizes(w)[:2]
    if not fits_blocks(inner, outputs, block):
        return None
    x, pads = padding_of(r, node.inputs[0])
    full = fill(r, fill(r, w, 0, block), 1, block)
    images, kernel = reorder_input(r, x, block), filter_blocks(r, full, block)
    y = blocked_conv(r, images, kernel, None, block, a["strides"], a["dilations"], pads)
    return reorder_output(r, y, block, outputs)


def fill(r: Rewriter, x: Value, axis: int, block: int) -> Value:
    """`x` with zeros behind an axis up to a multiple of the block."""
    missing = filled(sizes(x)[axis], block) - sizes(x)[axis]
    if not missing:
        return x
    after = tuple(missing if i == axis else 0 for i in range(x.type.rank))
    return r.emit("Pad", x, before=(0,) * x.type.rank, after=after, value=0.0, mode="constant")


def with_bias(r: Rewriter, node: Node, block: int | None) -> Value | None:
    """A convolution plus a number per channel is one operator."""
    for value, other in (node.inputs, node.inputs[::-1]):
        if value.shape != node.outputs[0].shape or value.type.rank != 4 or not r.used_once(value):
            continue
        wide = (1,) * (4 - other.type.rank) + other.shape
        if wide != (1, value.shape[1], 1, 1):
            continue
        found = None if block is None else _biased_blocks(r, value, other, block)
        return found or _biased(r, value, other)
    return None


def _biased_blocks(r: Rewriter, y: Value, bias: Value, block: int) -> Value | None:
    plain = r.producer(y, "Call")
    conv = r.producer(plain.inputs[0], "Call") if plain is not None and is_call(plain, "ort.ReorderOutput") else None
    if plain is None or conv is None or not is_call(conv, "ort.BlockedConv") or len(conv.inputs) != 2:
        return None
    flat = fill(r, r.reshape(bias, (y.shape[1],)), 0, block)
    a = settings_of(conv)
    result = blocked_conv(r, *conv.inputs, flat, block, a["strides"], a["dilations"], a["pads"])
    return reorder_output(r, result, block, sizes(y)[1])


def _biased(r: Rewriter, y: Value, bias: Value) -> Value | None:
    conv = r.producer(y, "Conv")
    if conv is None or y.dtype != "float32" or r.constant(conv.inputs[1]) is not None or not is_static(*conv.inputs):
        return None

    def meaning(b: Builder, x: Value, w: Value, bias: Value) -> Value:
        per_channel = b.Reshape(bias, shape=(y.shape[1], 1, 1))
        total: Value = b.Add(b.Conv(x, w, **conv.attributes), per_channel)
        return total

    settings = {**conv.attributes, "kernel_shape": sizes(conv.inputs[1])[2:]}
    return add_call(r, "ort.Conv", [*conv.inputs, r.reshape(bias, (y.shape[1],))], meaning, settings)
