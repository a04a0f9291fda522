"""Convolutions whose weights change, and their gradients, in the blocked layout.

ONNX Runtime's own rewriting to that layout only touches convolutions with constant weights.
"""

from __future__ import annotations

import math
from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.program import Node, Value
from cornu.primitives.convolution import weight_gradient
from cornu_onnxruntime.lowering.blocks import (
    blocked_conv,
    filled,
    filter_blocks,
    reorder_input,
    reorder_output,
    turned_filter_blocks,
)
from cornu_onnxruntime.lowering.nodes import add_call, is_call, settings_of
from cornu_onnxruntime.lowering.shapes import is_static

Ints = tuple[int, ...]


def rules(block: int | None) -> dict[str, list[Rule]]:
    """The rules of the second round, for a size of blocks."""
    found: dict[str, list[Rule]] = {"Conv": [pointwise], "Add": [lambda r, node: with_bias(r, node, block)]}
    if block is not None:
        found["Conv"].append(lambda r, node: _conv(r, node, block))
        found["ConvTranspose"] = [lambda r, node: _input_gradient(r, node, block)]
        found["Call"] = [
            lambda r, node: _input_gradient(r, node, block),
            lambda r, node: _weight_gradient(r, node, block),
        ]
    return found


# -- first round: what is cut off a transposed convolution is not computed --------------------------------------------


def cropped_transpose(r: Rewriter, node: Node) -> Value | None:
    """Slice(ConvTranspose) that cuts off borders is a ConvTranspose with `pads`."""
    inner = r.producer(node.inputs[0], "ConvTranspose")
    a = node.attributes
    if inner is None or not r.used_once(node.inputs[0]) or not is_static(*inner.inputs, *node.outputs):
        return None
    if any(step != 1 for step in a["steps"]) or any(axis < 2 for axis in a["axes"]):
        return None
    shape = node.inputs[0].shape
    half = len(shape) - 2
    before, after = [0] * half, [0] * half
    for axis, start, end in zip(a["axes"], a["starts"], a["ends"], strict=True):
        before[axis - 2], after[axis - 2] = start, shape[axis] - end

    def meaning(b: Builder, x: Value, w: Value) -> Value:
        whole = b.ConvTranspose(x, w, **inner.attributes)
        cut: Value = b.Slice(whole, starts=a["starts"], ends=a["ends"], axes=a["axes"], steps=a["steps"])
        return cut

    settings = {**inner.attributes, "kernel_shape": inner.inputs[1].shape[2:], "pads": (*before, *after)}
    return add_call(r, "ort.ConvTranspose", inner.inputs, meaning, settings)


# -- forward -------------------------------------------------------------------------------------------------------


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


def _plain_images(r: Rewriter, node: Node) -> bool:
    """Whether it is a two-dimensional convolution of single-precision numbers in one group with weights that change."""
    x, w = node.inputs[:2]
    return (
        x.type.rank == 4
        and x.dtype == "float32"
        and settings(node)["group"] == 1
        and is_static(x, w)
        and r.constant(w) is None
    )


def settings(node: Node) -> dict[str, object]:
    """The attributes of a convolution, whichever form it has."""
    return settings_of(node) if "settings" in node.attributes else dict(node.attributes)


def pointwise(r: Rewriter, node: Node) -> Value | None:
    """A convolution with a window of 1 is a matrix product."""
    x, w = node.inputs
    a = node.attributes
    if not _plain_images(r, node) or any(k != 1 for k in w.shape[2:]):
        return None
    if any(stride != 1 for stride in a["strides"]):
        ends = tuple((count - 1) * s + 1 for count, s in zip(node.outputs[0].shape[2:], a["strides"], strict=True))
        x = r.emit("Slice", x, starts=(0, 0), ends=ends, axes=(2, 3), steps=a["strides"])
    n, channels, *spatial = x.shape
    flat = r.reshape(x, (n, channels, math.prod(spatial)))  # type: ignore[arg-type]
    product = r.emit("MatMul", r.reshape(w, w.shape[:2]), flat)
    return r.reshape(product, node.outputs[0].shape)


def fits_blocks(channels: int, block: int) -> bool:
    """Whether inputs of so many channels gain from the blocked layout."""
    return channels >= block and channels % 4 == 0


def _conv(r: Rewriter, node: Node, block: int) -> Value | None:
    if not _plain_images(r, node):
        return None
    w, a = node.inputs[1], node.attributes
    outputs, inner = w.shape[:2]
    if not fits_blocks(inner, block) or 2 * outputs < block:  # type: ignore[arg-type, operator]
        return None
    x, pads = padding_of(r, node.inputs[0])
    full = fill(r, fill(r, w, 0, block), 1, block)
    y = blocked_conv(
        r,
        reorder_input(r, x, block),
        filter_blocks(r, full, block),
        None,
        block,
        a["strides"],
        a["dilations"],
        pads,
    )
    return reorder_output(r, y, block, outputs)  # type: ignore[arg-type]


def fill(r: Rewriter, x: Value, axis: int, block: int) -> Value:
    """`x` with zeros behind an axis up to a multiple of the block."""
    size = x.shape[axis]
    missing = filled(size, block) - size  # type: ignore[arg-type, operator]
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
    return reorder_output(r, result, block, y.shape[1])  # type: ignore[arg-type]


def _biased(r: Rewriter, y: Value, bias: Value) -> Value | None:
    conv = r.producer(y, "Conv")
    if conv is None or y.dtype != "float32" or r.constant(conv.inputs[1]) is not None or not is_static(*conv.inputs):
        return None

    def meaning(b: Builder, x: Value, w: Value, bias: Value) -> Value:
        per_channel = b.Reshape(bias, shape=(y.shape[1], 1, 1))
        total: Value = b.Add(b.Conv(x, w, **conv.attributes), per_channel)
        return total

    settings = {**conv.attributes, "kernel_shape": conv.inputs[1].shape[2:]}
    return add_call(r, "ort.Conv", [*conv.inputs, r.reshape(bias, (y.shape[1],))], meaning, settings)


# -- gradients -----------------------------------------------------------------------------------------------------


def _input_gradient(r: Rewriter, node: Node, block: int) -> Value | None:
    """A transposed convolution with strides of 1 is a convolution with the turned kernel."""
    if node.op == "Call" and not is_call(node, "ort.ConvTranspose"):
        return None
    if not _plain_images(r, node):
        return None
    g, w = node.inputs
    a = settings(node)
    strides, dilations, pads = (tuple(a.get(key, (0,) * 4)) for key in ("strides", "dilations", "pads"))  # type: ignore[arg-type, var-annotated]
    kernel: Ints = w.shape[2:]  # type: ignore[assignment]
    reach = tuple((k - 1) * d for k, d in zip(kernel, dilations, strict=True)) * 2
    outputs, inner = w.shape[:2]
    if any(s != 1 for s in strides) or any(p > most for p, most in zip(pads, reach, strict=True)):
        return None
    if kernel == (1, 1) and not any(pads):
        n, _, *spatial = g.shape
        flat = r.reshape(g, (n, outputs, math.prod(spatial)))  # type: ignore[arg-type]
        turned = r.emit("Transpose", r.reshape(w, (outputs, inner)), perm=(1, 0))
        return r.reshape(r.emit("MatMul", turned, flat), node.outputs[0].shape)
    if not fits_blocks(outputs, block) or 2 * inner < block:  # type: ignore[arg-type, operator]
        return None
    full = fill(r, fill(r, w, 0, block), 1, block)
    g, zeros = padding_of(r, g)
    y = blocked_conv(
        r,
        reorder_input(r, g, block),
        turned_filter_blocks(r, full, block),
        None,
        block,
        (1, 1),
        dilations,
        tuple(most - p + zero for p, most, zero in zip(pads, reach, zeros, strict=True)),
    )
    return reorder_output(r, y, block, inner)  # type: ignore[arg-type]


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
        start + (count - 1) * stride + (k - 1) * dilation + 1  # type: ignore[operator]
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


def _weight_gradient(r: Rewriter, node: Node, block: int) -> Value | None:
    """The gradient of the kernel is a convolution of the input with the cotangent; the batch takes the channels' part."""
    if not is_call(node, "ConvWeightGrad") or node.inputs[0].type.rank != 4:
        return None
    x, g = node.inputs
    a = node.attributes
    kernel, strides, dilations = a["kernel_shape"], a["strides"], a["dilations"]
    if x.dtype != "float32" or a["group"] != 1 or not is_static(x, g) or kernel == (1, 1):
        return None
    (n, channels), outputs = x.shape[:2], g.shape[1]
    if channels < block or 2 * outputs < block or 2 * n < block:  # type: ignore[operator]
        return None
    x, pads = padding_of(r, x)
    images = _padded_blocks(r, _batch_blocks(r, x, block), pads, block)
    result = blocked_conv(r, images, _batch_filter(r, g, block), None, block, dilations, strides, (0, 0, 0, 0))
    full = filled(outputs, block)  # type: ignore[arg-type]
    rows = result.shape[2:]
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
    return reorder_input(r, taken if x.shape[0] % 4 == 0 else fill(r, taken, 1, block), block)  # type: ignore[operator]


def _padded_blocks(r: Rewriter, x: Value, pads: Ints, block: int) -> Value:
    """Zeros around a blocked tensor: in rows of whole blocks, where a Pad is faster than in plain ones."""
    if not any(pads):
        return x
    top, left, bottom, right = pads
    n, channels, height, width = x.shape
    rows = r.reshape(x, (n * channels // block, height, width * block))
    wide = r.emit(
        "Pad", rows, before=(0, top, left * block), after=(0, bottom, right * block), value=0.0, mode="constant"
    )
    return r.reshape(wide, (n, channels, height + top + bottom, width + left + right))


def _batch_filter(r: Rewriter, g: Value, block: int) -> Value:
    """The cotangent [N, O, *P] as a kernel of O outputs and N inputs, in blocks."""
    over_batch = _batch_blocks(r, fill(r, g, 1, block), block)
    shape: Ints = over_batch.shape  # type: ignore[assignment]
    rows = r.reshape(over_batch, (shape[0] // block, block, math.prod(shape[1:])))
    return r.reshape(r.emit("Transpose", rows, perm=(0, 2, 1)), shape)
