"""Making one node of two recurrent ones that go through the same sequence in both directions."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.program import Node, Value

OPERANDS = {"LSTM": 6, "GRU": 5, "RNN": 5}
"""How many operands the recurrent composites have where there is no mask."""

BOTH = "bidirectional"


def pair_directions(nodes: Sequence[Node]) -> Sequence[Node]:
    """The nodes, where a forward and a backward pass over one sequence are one node of direction "bidirectional".

    Its operands are the sequence and then those of each pass; its outputs are those of each pass. Nodes that the second
    pass needs come before it.

    Args:
        nodes: The nodes of a program, in order.
    """
    found = {i: node for i, node in enumerate(nodes) if _is_plain(node)}
    for first, forward in found.items():
        for second, backward in found.items():
            if second > first and _belong_together(forward, backward):
                ordered = _joined(nodes, first, second)
                if ordered is not None:
                    return pair_directions(ordered)
    return nodes


def _is_plain(node: Node) -> bool:
    if node.op != "Call" or node.attributes["name"] not in OPERANDS or node.attributes["direction"] == BOTH:
        return False
    name, primals = node.attributes["name"], node.attributes.get("primals")
    return len(node.inputs) == OPERANDS[name] and len(node.outputs) == (primals or len(node.outputs))


def _belong_together(one: Node, other: Node) -> bool:
    a, b = one.attributes, other.attributes
    same = all(a.get(key) == b.get(key) for key in ("name", "hidden_size", "activations"))
    return same and one.inputs[0] is other.inputs[0] and {a["direction"], b["direction"]} == {"forward", "reverse"}


def _joined(nodes: Sequence[Node], first: int, second: int) -> list[Node] | None:
    """The nodes with the pair in the place of the first, or None where the second needs what the first computes."""
    between = nodes[first + 1 : second]
    needed: set[Value] = set(nodes[second].inputs)
    before: list[Node] = []
    for node in reversed(between):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            before.append(node)
    if needed.intersection(nodes[first].outputs):
        return None
    moved = set(map(id, before))
    rest = [node for node in between if id(node) not in moved]
    return [*nodes[:first], *before[::-1], _pair(nodes[first], nodes[second]), *rest, *nodes[second + 1 :]]


def _pair(one: Node, other: Node) -> Node:
    forward, backward = (one, other) if one.attributes["direction"] == "forward" else (other, one)
    return Node(
        "Call",
        (*forward.inputs, *backward.inputs[1:]),
        (*forward.outputs, *backward.outputs),
        {**forward.attributes, "direction": BOTH, "primals": None},
        _common(forward.scope, backward.scope),
    )


def _common(one: str, other: str) -> str:
    """The path of the layer that both belong to."""
    parts = []
    for left, right in zip(one.split("/"), other.split("/"), strict=False):
        if left != right:
            break
        parts.append(left)
    return "/".join(parts)
