"""Folding a canonical `Pad` into the `pads` of the convolution or pooling that reads it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cornu.ir.dim import ceil_div, floor_div, maximum
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import TensorType, is_float

_FILL = {"Conv": 0.0, "MaxPool": -math.inf, "AveragePool": 0.0}


def fold_pads(program: Program) -> Sequence[Node]:
    """The program's nodes, where a foldable `Pad` is gone and its reader has `pads` or `auto_pad` instead.

    A `Pad` is foldable where nothing else reads it, it leaves batch and channels alone, it fills with what the reader
    takes for absent (0 in Conv, -inf in MaxPool, 0 in an AveragePool that counts it), and its widths are known numbers
    or those of "same" padding.
    """
    if not any(node.op == "Pad" for node in program.nodes):
        return program.nodes
    program = _pads_behind_transposes(program)
    readers = Counter(value for node in program.nodes for value in node.inputs) + Counter(program.outputs)
    pads = {node.outputs[0]: node for node in program.nodes if node.op == "Pad" and readers[node.outputs[0]] == 1}
    folded: dict[Value, Node] = {}
    nodes: list[Node] = []
    for node in program.nodes:
        pad = pads.get(node.inputs[0]) if node.inputs and node.op in _FILL else None
        padding = _padding(pad, node) if pad is not None else None
        if pad is not None and padding is not None:
            folded[pad.outputs[0]] = pad
            node = Node(
                node.op,
                (pad.inputs[0], *node.inputs[1:]),
                node.outputs,
                {**node.attributes, **padding},
                node.scope,
            )
        nodes.append(node)
    return [node for node in nodes if node.op != "Pad" or node.outputs[0] not in folded]


def _pads_behind_transposes(program: Program) -> Program:
    """Transpose(Pad(x)) as Pad(Transpose(x)) where nothing else reads the Pad: a convolution may take it from there."""
    readers = Counter(value for node in program.nodes for value in node.inputs) + Counter(program.outputs)
    pads = {node.outputs[0]: node for node in program.nodes if node.op == "Pad" and readers[node.outputs[0]] == 1}
    moved: dict[Value, tuple[Node, Node]] = {}
    for node in program.nodes:
        if node.op == "Transpose" and (pad := pads.get(node.inputs[0])) is not None:
            moved[pad.outputs[0]] = _exchanged(pad, node)
    if not moved:
        return program
    nodes: list[Node] = []
    for node in program.nodes:
        if node.op == "Transpose" and node.inputs[0] in moved:
            nodes += moved[node.inputs[0]]
        elif node.op != "Pad" or node.outputs[0] not in moved:
            nodes.append(node)
    return Program(program.name, program.inputs, program.outputs, tuple(nodes))


def _exchanged(pad: Node, transpose: Node) -> tuple[Node, Node]:
    x, perm = pad.inputs[0], transpose.attributes["perm"]
    turned = Value(TensorType(x.dtype, tuple(x.shape[axis] for axis in perm)))
    widths = {name: tuple(pad.attributes[name][axis] for axis in perm) for name in ("before", "after")}
    return (
        Node("Transpose", (x,), (turned,), transpose.attributes, transpose.scope),
        Node("Pad", (turned,), transpose.outputs, {**pad.attributes, **widths}, pad.scope),
    )


def _padding(pad: Node, reader: Node) -> dict[str, Any] | None:
    """The reader's attributes that replace the `Pad`, or None where there are none."""
    a = pad.attributes
    if a["mode"] != "constant" or a["value"] != _FILL[reader.op] or not is_float(pad.inputs[0].dtype):
        return None
    if any(width != 0 for width in (*a["before"][:2], *a["after"][:2])):
        return None
    ends = (*a["before"][2:], *a["after"][2:])
    if not all(isinstance(width, int) for width in ends):
        return {"auto_pad": "SAME_UPPER"} if _is_same(pad, reader) else None
    if reader.op != "Conv":
        # A window must not lie in the padding alone.
        kernel = reader.attributes["kernel_shape"]
        if any(width >= size for width, size in zip(ends, (*kernel, *kernel), strict=True)):
            return None
    return {"pads": ends}


def _is_same(pad: Node, reader: Node) -> bool:
    """Whether the widths are those that give `ceil(size / stride)` windows, the odd one behind, at any size."""
    a = reader.attributes
    kernel = reader.inputs[1].shape[2:] if reader.op == "Conv" else a["kernel_shape"]
    if reader.op == "AveragePool" or any(dilation != 1 for dilation in a["dilations"]):
        return False
    axes = zip(
        pad.inputs[0].shape[2:],
        kernel,
        a["strides"],
        pad.attributes["before"][2:],
        pad.attributes["after"][2:],
        strict=True,
    )
    for size, window, stride, before, after in axes:
        total = maximum((ceil_div(size, stride) - 1) * stride + window - size, 0)
        if before != floor_div(total, 2) or after != total - before:
            return False
    return True
