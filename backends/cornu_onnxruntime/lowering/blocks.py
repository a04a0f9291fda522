"""The blocked layout: of [N, C, *S], `b` channels at a time lie together, as [N, C / b, *S, b].

A blocked tensor has the type of the plain one (ONNX Runtime has it so), with its channels filled up to a multiple of
`b`; only the order of its elements is another.
"""

from __future__ import annotations

import math
from typing import Any

from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter
from cornu.ir.program import Value
from cornu.ir.types import Shape

from cornu_onnxruntime.lowering.nodes import Settings, add_call
from cornu_onnxruntime.lowering.shapes import sizes


def filled(channels: int, block: int) -> int:
    """The next multiple of the block."""
    return -(-channels // block) * block


def to_blocks(b: Builder, x: Value, block: int) -> Value:
    """What ReorderInput means."""
    n, channels, *spatial = sizes(x)
    full = filled(channels, block)
    if full != channels:
        after = (0, full - channels, *(0,) * len(spatial))
        x = b.Pad(x, before=(0,) * x.type.rank, after=after, value=0.0, mode="constant")
    axes = range(3, 3 + len(spatial))
    split = b.Reshape(x, shape=(n, full // block, block, *spatial))
    moved: Value = b.Reshape(b.Transpose(split, perm=(0, 1, *axes, 2)), shape=(n, full, *spatial))
    return moved


def from_blocks(b: Builder, x: Value, block: int, channels: int) -> Value:
    """What ReorderOutput means."""
    n, full, *spatial = x.shape
    last = 2 + len(spatial)
    split = b.Reshape(x, shape=(n, full // block, *spatial, block))
    plain: Value = b.Reshape(b.Transpose(split, perm=(0, 1, last, *range(2, last))), shape=x.shape)
    if full == channels:
        return plain
    cropped: Value = b.Slice(plain, starts=(0,), ends=(channels,), axes=(1,), steps=(1,))
    return cropped


def reorder_input(r: Rewriter, x: Value, block: int) -> Value:
    """`x`, whose channels are a multiple of 4, in the blocked layout."""
    return add_call(r, "ort.ReorderInput", [x], lambda b, x: to_blocks(b, x, block), {})


def reorder_output(r: Rewriter, x: Value, block: int, channels: int) -> Value:
    """The plain form of a blocked tensor."""
    return add_call(
        r, "ort.ReorderOutput", [x], lambda b, x: from_blocks(b, x, block, channels), {"channels": channels}
    )


def filter_blocks(r: Rewriter, w: Value, block: int) -> Value:
    """A kernel [O, I, *K] in the order O / b, I / b, *K, b of I, b of O; with I below `b`: O / b, I, *K, b of O."""
    outputs, inner, *kernel = w.shape
    spatial = len(kernel)
    if inner < block:
        split = r.emit("Reshape", w, shape=(outputs // block, block, inner, *kernel))
        moved = r.emit("Transpose", split, perm=(0, 2, *range(3, 3 + spatial), 1))
    else:
        split = r.emit("Reshape", w, shape=(outputs // block, block, inner // block, block, *kernel))
        moved = r.emit("Transpose", split, perm=(0, 2, *range(4, 4 + spatial), 3, 1))
    return r.reshape(moved, w.shape)


def turned_filter_blocks(r: Rewriter, w: Value, block: int) -> Value:
    """The kernel [I, O, *K] of the adjoint of a convolution with `w` [O, I, *K], in blocks: turned in all its axes."""
    outputs, inner, *kernel = sizes(w)
    size = math.prod(kernel)
    split = r.emit("Reshape", w, shape=(outputs // block, block, inner // block, block, size))
    moved = r.emit("Transpose", split, perm=(2, 0, 4, 1, 3))
    if size > 1:
        moved = r.emit("Slice", moved, starts=(size - 1,), ends=(-1,), axes=(2,), steps=(-1,))
    return r.reshape(moved, (inner, outputs, *kernel))


def unblocked_filter(b: Builder, w: Value, block: int) -> Value:
    """The kernel [O, I, *K] that `filter_blocks` was given."""
    outputs, inner, *kernel = w.shape
    spatial = len(kernel)
    if inner < block:
        split = b.Reshape(w, shape=(outputs // block, inner, *kernel, block))
        moved = b.Transpose(split, perm=(0, 2 + spatial, 1, *range(2, 2 + spatial)))
    else:
        split = b.Reshape(w, shape=(outputs // block, inner // block, *kernel, block, block))
        moved = b.Transpose(split, perm=(0, 3 + spatial, 1, 2 + spatial, *range(2, 2 + spatial)))
    plain: Value = b.Reshape(moved, shape=w.shape)
    return plain


def blocked_conv(
    r: Rewriter,
    x: Value,
    w: Value,
    bias: Value | None,
    block: int,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    pads: tuple[int, ...],
    activation: str = "",
) -> Value:
    """A convolution of blocked tensors.

    Args:
        r: The rewriter.
        x: Blocked, or plain where it has fewer channels than a block.
        w: A kernel as `filter_blocks` makes it.
        bias: Of shape [O], or None.
        block: The size of a block.
        strides: Steps of the window.
        dilations: Steps within the window.
        pads: Zeros before each spatial axis, and then behind each.
        activation: "Relu" or nothing.
    """

    def meaning(b: Builder, x: Value, w: Value, *bias: Value) -> Any:
        channels = sizes(x)[1]
        plain = x if channels < block else from_blocks(b, x, block, channels)
        half = len(pads) // 2
        if any(pads):
            plain = b.Pad(plain, before=(0, 0, *pads[:half]), after=(0, 0, *pads[half:]), value=0.0, mode="constant")
        kernel = unblocked_filter(b, w, block)
        y = b.Conv(plain, kernel, strides=strides, dilations=dilations, group=1)
        if bias:
            shape: Shape = (w.shape[0], *(1,) * half)
            y = b.Add(y, b.Reshape(bias[0], shape=shape))
        return to_blocks(b, b.Relu(y) if activation else y, block)

    settings: Settings = {"kernel_shape": sizes(w)[2:], "strides": strides, "dilations": dilations, "pads": pads}
    if activation:
        settings["activation"] = activation
    operands = [x, w] if bias is None else [x, w, bias]
    return add_call(r, "ort.BlockedConv", operands, meaning, settings)
