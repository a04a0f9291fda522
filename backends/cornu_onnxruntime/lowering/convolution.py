"""Convolutions whose weights change, and their gradients, in the blocked layout.

ONNX Runtime's own rewriting to that layout only touches convolutions with constant weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.program import Node, Value
from cornu_onnxruntime.lowering.blocks import (
    blocked_conv,
    filled,
    filter_blocks,
    reorder_input,
    reorder_output,
    turned_filter_blocks,
)
from cornu_onnxruntime.lowering.nodes import add_call, is_call, settings_of

Ints = tuple[int, ...]


def is_static(*values: Value) -> bool:
    """Whether all sizes are numbers, and none is 0."""
    return all(isinstance(dim, int) and dim > 0 for value in values for dim in value.shape)


def rules(block: int | None) -> dict[str, list[Rule]]:
    """The rules of the second round, for a size of blocks."""
    found: dict[str, list[Rule]] = {"Conv": [pointwise]}
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


def padding_of(r: Rewriter, x: Value) -> tuple[Value, Ints] | None:
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
    x, pads = padding_of(r, node.inputs[0]) or (node.inputs[0], (0, 0, 0, 0))
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
    y = blocked_conv(
        r,
        reorder_input(r, g, block),
        turned_filter_blocks(r, full, block),
        None,
        block,
        (1, 1),
        dilations,
        tuple(most - p for p, most in zip(pads, reach, strict=True)),
    )
    return reorder_output(r, y, block, inner)  # type: ignore[arg-type]


def _weight_gradient(r: Rewriter, node: Node, block: int) -> Value | None:
    """The gradient of the kernel is a convolution of the input with the cotangent; the batch takes the channels' part."""
    if not is_call(node, "ConvWeightGrad") or node.inputs[0].type.rank != 4:
        return None
    x, g = node.inputs
    a = node.attributes
    kernel, strides, dilations = a["kernel_shape"], a["strides"], a["dilations"]
    if x.dtype != "float32" or a["group"] != 1 or not is_static(x, g) or kernel == (1, 1):
        return None
    (n, channels), (outputs, *counts) = x.shape[:2], g.shape[1:]
    if channels < block or 2 * outputs < block or 2 * n < block:  # type: ignore[operator]
        return None
    taken = _swapped(r, x)
    wide = taken if n % 4 == 0 else fill(r, taken, 1, block)  # type: ignore[operator]
    images = reorder_input(r, wide, block)
    result = blocked_conv(
        r, images, _batch_filter(r, g, block), None, block, dilations, strides, (0, 0, 0, 0)
    )
    full = filled(outputs, block)  # type: ignore[arg-type]
    rows = result.shape[2:]
    split = r.reshape(result, (channels, full // block, *rows, block))
    if rows != kernel:
        split = r.emit("Slice", split, starts=(0, 0), ends=kernel, axes=(2, 3), steps=(1, 1))
    moved = r.emit("Transpose", split, perm=(1, 4, 0, 2, 3))
    dw = r.reshape(moved, (full, channels, *kernel))
    if full != outputs:
        dw = r.emit("Slice", dw, starts=(0,), ends=(outputs,), axes=(0,), steps=(1,))
    assert tuple(counts) == g.shape[2:]
    return dw


def _swapped(r: Rewriter, x: Value) -> Value:
    return r.emit("Transpose", x, perm=(1, 0, 2, 3))


def _batch_filter(r: Rewriter, g: Value, block: int) -> Value:
    """The cotangent [N, O, *P] as a kernel of O outputs and N inputs, in blocks."""
    n, outputs, *counts = g.shape
    g = fill(r, g, 1, block)
    taken = _swapped(r, g)
    wide = taken if n % 4 == 0 else fill(r, taken, 1, block)  # type: ignore[operator]
    over_batch = reorder_input(r, wide, block)
    shape: Sequence[int] = over_batch.shape  # type: ignore[assignment]
    rows = r.reshape(over_batch, (shape[0] // block, block, math.prod(shape[1:])))
    moved = r.emit("Transpose", rows, perm=(0, 2, 1))
    return r.reshape(moved, tuple(shape))
