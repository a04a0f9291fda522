"""Gradients of convolutions: those of the input as convolutions with turned kernels, those of the kernel with the batch
in the channels' part."""

from __future__ import annotations

import math

from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter
from cornu.ir.program import Node, Value
from cornu.primitives.convolution import weight_gradient

from cornu_onnxruntime.lowering.blocks import blocked_conv, filled, reorder_input, reorder_output, turned_filter_blocks
from cornu_onnxruntime.lowering.convolution import (
    MOST_FILLING,
    Ints,
    attributes_of,
    fill,
    fits_blocks,
    padding_of,
    plain_images,
)
from cornu_onnxruntime.lowering.nodes import add_call, is_call
from cornu_onnxruntime.lowering.shapes import is_static, sizes


def cropped_transpose(r: Rewriter, node: Node) -> Value | None:
    """Slice(ConvTranspose) that cuts off borders is a ConvTranspose with `pads`."""
    inner = r.producer(node.inputs[0], "ConvTranspose")
    a = node.attributes
    if inner is None or not r.used_once(node.inputs[0]) or not is_static(*inner.inputs, *node.outputs):
        return None
    if any(step != 1 for step in a["steps"]) or any(axis < 2 for axis in a["axes"]):
        return None
    shape = sizes(node.inputs[0])
    half = len(shape) - 2
    before, after = [0] * half, [0] * half
    for axis, start, end in zip(a["axes"], a["starts"], a["ends"], strict=True):
        before[axis - 2], after[axis - 2] = start, shape[axis] - end

    def meaning(b: Builder, x: Value, w: Value) -> Value:
        whole = b.ConvTranspose(x, w, **inner.attributes)
        cut: Value = b.Slice(whole, starts=a["starts"], ends=a["ends"], axes=a["axes"], steps=a["steps"])
        return cut

    settings = {**inner.attributes, "kernel_shape": sizes(inner.inputs[1])[2:], "pads": (*before, *after)}
    return add_call(r, "ort.ConvTranspose", inner.inputs, meaning, settings)


def input_gradient(r: Rewriter, node: Node, block: int) -> Value | None:
    """A transposed convolution with strides of 1 is a convolution with the turned kernel."""
    if node.op == "Call" and not is_call(node, "ort.ConvTranspose"):
        return None
    if not plain_images(r, node):
        return None
    g, w = node.inputs
    a = attributes_of(node)
    strides, dilations, pads = a["strides"], a["dilations"], a.get("pads", (0, 0, 0, 0))
    outputs, inner, *kernel = sizes(w)
    reach = tuple((k - 1) * d for k, d in zip(kernel, dilations, strict=True)) * 2
    if any(s != 1 for s in strides) or any(p > most for p, most in zip(pads, reach, strict=True)):
        return None
    if kernel == [1, 1] and not any(pads):
        n, _, *spatial = sizes(g)
        flat = r.reshape(g, (n, outputs, math.prod(spatial)))
        turned = r.emit("Transpose", r.reshape(w, (outputs, inner)), perm=(1, 0))
        return r.reshape(r.emit("MatMul", turned, flat), node.outputs[0].shape)
    if not fits_blocks(outputs, inner, block):
        return None
    full = fill(r, fill(r, w, 0, block), 1, block)
    g, zeros = padding_of(r, g)
    around = tuple(most - p + zero for p, most, zero in zip(pads, reach, zeros, strict=True))
    images, turned = reorder_input(r, g, block), turned_filter_blocks(r, full, block)
    y = blocked_conv(r, images, turned, None, block, (1, 1), dilations, around)
    return reorder_output(r, y, block, inner)


def cropped_weight_gradient(r: Rewriter, node: Node) -> Value | None:
    """Zeros around the cotangent, and the part of the input that only they meet, count for nothing."""
    if not is_call(node, "ConvWeightGrad") or not is_static(*node.inputs):
        return None
    x, (g, zeros) = node.inputs[0], padding_of(r, node.inputs[1])
    if not any(zeros):
        return None
    a = node.attributes
    spatial = x.type.rank - 2
    starts = tuple(before * stride for before, stride in zip(zeros[:spatial], a["strides"], strict=True))
    ends = tuple(
        start + (count - 1) * stride + (k - 1) * dilation + 1
        for start, count, stride, k, dilation in zip(
            starts, g.shape[2:], a["strides"], a["kernel_shape"], a["dilations"], strict=True
        )
    )
    part = r.emit("Slice", x, starts=starts, ends=ends, axes=tuple(range(2, 2 + spatial)), steps=(1,) * spatial)
    b = Builder("ConvWeightGrad")
    b.adopt(part)
    b.adopt(g)
    weight_gradient(b, part, g, a["kernel_shape"], a["strides"], a["dilations"], a["group"])
    return r.emit_all("Call", part, g, **b.nodes[-1].attributes)[0]


def batch_convolution(r: Rewriter, node: Node, block: int) -> Value | None:
    """The kernel's gradient is a convolution of the input with the cotangent; the batch takes the channels' part."""
    if not is_call(node, "ConvWeightGrad") or node.inputs[0].type.rank != 4:
        return None
    x, g = node.inputs
    a = node.attributes
    kernel, strides, dilations = a["kernel_shape"], a["strides"], a["dilations"]
    if x.dtype != "float32" or a["group"] != 1 or not is_static(x, g) or kernel == (1, 1):
        return None
    (n, channels), outputs = sizes(x)[:2], sizes(g)[1]
    if channels < block or 2 * outputs < block or filled(n, block) > MOST_FILLING * n:
        return None
    x, pads = padding_of(r, x)
    images = _padded_blocks(r, _batch_blocks(r, x, block), pads, block)
    result = blocked_conv(r, images, _batch_filter(r, g, block), None, block, dilations, strides, (0, 0, 0, 0))
    full = filled(outputs, block)
    rows = sizes(result)[2:]
    split = r.reshape(result, (channels, full // block, *rows, block))
    if rows != kernel:
        split = r.emit("Slice", split, starts=(0, 0), ends=kernel, axes=(2, 3), steps=(1, 1))
    moved = r.emit("Transpose", split, perm=(1, 4, 0, 2, 3))
    dw = r.reshape(moved, (full, channels, *kernel))
    if full != outputs:
        dw = r.emit("Slice", dw, starts=(0,), ends=(outputs,), axes=(0,), steps=(1,))
    return dw


def _batch_blocks(r: Rewriter, x: Value, block: int) -> Value:
    """[N, C, *S] as [C, N, *S] in blocks of N, filled with zeros."""
    taken = r.emit("Transpose", x, perm=(1, 0, 2, 3))
    return reorder_input(r, taken if sizes(x)[0] % 4 == 0 else fill(r, taken, 1, block), block)


def _padded_blocks(r: Rewriter, x: Value, pads: Ints, block: int) -> Value:
    """Zeros around a blocked tensor: in rows of whole blocks, where a Pad is faster than in plain ones."""
    if not any(pads):
        return x
    top, left, bottom, right = pads
    n, channels, height, width = sizes(x)
    rows = r.reshape(x, (n * channels // block, height, width * block))
    wide = r.emit(
        "Pad", rows, before=(0, top, left * block), after=(0, bottom, right * block), value=0.0, mode="constant"
    )
    return r.reshape(wide, (n, channels, height + top + bottom, width + left + right))


def _batch_filter(r: Rewriter, g: Value, block: int) -> Value:
    """The cotangent [N, O, *P] as a kernel of O outputs and N inputs, in blocks."""
    n, outputs, *counts = sizes(g)
    wide = g if outputs % 4 == 0 else fill(r, g, 1, block)
    if n % block == 0:
        # The gradient of the input reads the same blocks, and runs of whole blocks are moved fast.
        blocks = reorder_input(r, wide, block)
        full = sizes(blocks)[1]
        split = r.reshape(blocks, (n // block, block, full // block, math.prod(counts), block))
        return r.reshape(r.emit("Transpose", split, perm=(2, 0, 3, 1, 4)), (full, n, *counts))
    over_batch = _batch_blocks(r, fill(r, wide, 1, block), block)
    shape = sizes(over_batch)
    rows = r.reshape(over_batch, (shape[0] // block, block, math.prod(shape[1:])))
    return r.reshape(r.emit("Transpose", rows, perm=(0, 2, 1)), shape)
