"""Padding that a convolution does by itself: XLA pads as it reads, and leaves out of a result what is cut off."""

from __future__ import annotations

from collections import Counter

from cornu.ir.program import Node, Program, Value


def fold_padding(program: Program) -> Program:
    """An equal program in which convolutions pad and crop.

    `Conv` and `ConvWeightGrad` of a `Pad` with zeros get the attribute `around`, a pad before and after each spatial
    axis; a `Slice` of a `ConvTranspose` becomes one with the attribute `crop`. Bodies are left as they are.

    Args:
        program: The program.
    """
    makers = {value: node for node in program.nodes for value in node.outputs}
    uses = Counter(value for node in program.nodes for value in node.inputs) + Counter(program.outputs)
    nodes = [_padding(node, makers) or _cropping(node, makers, uses) or node for node in program.nodes]
    return Program(program.name, program.inputs, program.outputs, tuple(nodes))


def _padding(node: Node, makers: dict[Value, Node]) -> Node | None:
    if node.op != "Conv" and not (node.op == "Call" and node.attributes["name"] == "ConvWeightGrad"):
        return None
    pad = makers.get(node.inputs[0])
    if pad is None or pad.op != "Pad" or pad.attributes["mode"] != "constant" or pad.attributes["value"] != 0:
        return None
    before, after = pad.attributes["before"], pad.attributes["after"]
    if any(size != 0 for size in (*before[:2], *after[:2])):
        return None
    around = tuple(zip(before[2:], after[2:], strict=True))
    return Node(
        node.op, (*pad.inputs, *node.inputs[1:]), node.outputs, {**node.attributes, "around": around}, node.scope
    )


def _cropping(node: Node, makers: dict[Value, Node], uses: Counter[Value]) -> Node | None:
    if node.op != "Slice":
        return None
    conv = makers.get(node.inputs[0])
    if conv is None or conv.op != "ConvTranspose" or uses[node.inputs[0]] > 1:
        return None
    axes = node.attributes["axes"]
    if any(axis < 2 for axis in axes) or any(step != 1 for step in node.attributes["steps"]):
        return None
    whole = conv.outputs[0].shape
    crop = [(0, 0)] * len(whole)
    for axis, start, end in zip(axes, node.attributes["starts"], node.attributes["ends"], strict=True):
        crop[axis] = (start, whole[axis] - end)
    return Node(conv.op, conv.inputs, node.outputs, {**conv.attributes, "crop": tuple(crop[2:])}, conv.scope)
