"""Nodes in an order in which they can run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush

from cornu.ir.program import Node, Value


def in_order(nodes: Sequence[Node], inputs: Sequence[Value]) -> list[Node]:
    """The nodes so that each comes after what it reads, and otherwise as they came."""
    waiting: dict[Value, list[int]] = defaultdict(list)
    missing: Counter[int] = Counter()
    known = set(inputs)
    made = {value for node in nodes for value in node.outputs}
    for i, node in enumerate(nodes):
        for value in set(node.inputs):
            if value not in known and value in made:
                waiting[value].append(i)
                missing[i] += 1
    ready = [i for i in range(len(nodes)) if not missing[i]]
    ordered: list[Node] = []
    while ready:
        node = nodes[heappop(ready)]
        ordered.append(node)
        for value in node.outputs:
            for i in waiting[value]:
                missing[i] -= 1
                if not missing[i]:
                    heappush(ready, i)
    return ordered
