"""Folding a canonical `Pad` into the `pads` of the convolution or pooling that reads it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from cornu.ir.program import Node, Program, Value
from cornu.ir.types import is_float

_FILL = {"Conv": 0.0, "MaxPool": -math.inf, "AveragePool": 0.0}


def fold_pads(program: Program) -> Sequence[Node]:
    """The program's nodes, where a foldable `Pad` is gone and its reader has an attribute `pads` instead.

    A `Pad` is foldable where nothing else reads it, its widths are known, it leaves batch and channels alone, and it
    fills with what the reader takes for absent: 0 in Conv, -inf in MaxPool, 0 in an AveragePool that counts it.
    """
    if not any(node.op == "Pad" for node in program.nodes):
        return program.nodes
    readers = Counter(value for node in program.nodes for value in node.inputs) + Counter(program.outputs)
    pads = {node.outputs[0]: node for node in program.nodes if node.op == "Pad" and readers[node.outputs[0]] == 1}
    folded: dict[Value, Node] = {}
    nodes: list[Node] = []
    for node in program.nodes:
        pad = pads.get(node.inputs[0]) if node.inputs and node.op in _FILL else None
        if pad is not None and _foldable(pad, node):
            folded[pad.outputs[0]] = pad
            ends = (*pad.attributes["before"][2:], *pad.attributes["after"][2:])
            node = Node(
                node.op,
                (pad.inputs[0], *node.inputs[1:]),
                node.outputs,
                {**node.attributes, "pads": ends},
                node.scope,
            )
        nodes.append(node)
    return [node for node in nodes if node.op != "Pad" or node.outputs[0] not in folded]


def _foldable(pad: Node, reader: Node) -> bool:
    a = pad.attributes
    widths = (*a["before"], *a["after"])
    if a["mode"] != "constant" or a["value"] != _FILL[reader.op] or not is_float(pad.inputs[0].dtype):
        return False
    if not all(isinstance(width, int) for width in widths) or any((*a["before"][:2], *a["after"][:2])):
        return False
    if reader.op == "Conv":
        return True
    # A window must not lie in the padding alone.
    kernel = reader.attributes["kernel_shape"]
    return all(
        width < size for width, size in zip((*a["before"][2:], *a["after"][2:]), (*kernel, *kernel), strict=True)
    )
