"""Nodes that only move elements, joined: each chain of them is one strided copy."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cornu.ir.builder import Builder
from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.program import Node, Program, Value

from cornu_kernels.operators import DOMAIN
from cornu_kernels.views import View, sizes, through, whole

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.graph import GraphWriter

NAME = "Move"
MOST_AXES = 8

SMALL = 4096
"""Elements below which a single node is left as it is: copying so few costs nothing."""

_MOVING = frozenset({"Transpose", "Slice", "Pad", "Reshape"})
_REORDERING = frozenset({"ort.ReorderInput", "ort.ReorderOutput"})


@dataclass(frozen=True)
class Chain:
    """A value that is not made yet: a view of another one, and the nodes that say so."""

    source: Value
    view: View
    nodes: tuple[Node, ...] = ()


def join_moves(program: Program) -> Program:
    """Makes one composite `Move` of each chain of Transpose, Slice, Pad, Reshape and reorderings.

    Example:
        >>> join_moves(program)
    """
    return _Joiner(program).run()


class _Joiner:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._chains: dict[Value, Chain] = {}
        self._nodes: list[Node] = []
        self._readers: dict[Value, list[Node]] = defaultdict(list)
        for node in program.nodes:
            for value in node.inputs:
                self._readers[value].append(node)
        self._constants = {node.outputs[0] for node in program.nodes if node.op == "Constant"}

    def run(self) -> Program:
        for node in self._program.nodes:
            if not self._moves(node) or not self._prolong(node):
                self._place(node)
        for value in self._program.outputs:
            self._make(value)
        program = self._program
        return Program(program.name, program.inputs, program.outputs, tuple(self._nodes))

    def _moves(self, node: Node) -> bool:
        if node.op not in _MOVING and not (node.op == "Call" and node.attributes["name"] in _REORDERING):
            return False
        x, made = node.inputs[0], node.outputs[0]
        if x.dtype != "float32" or x in self._constants or len(node.inputs) != 1:
            return False
        if not all(isinstance(size, int) and size > 0 for size in (*x.shape, *made.shape)):
            return False
        if node.op == "Pad" and node.attributes["mode"] != "constant":
            return False
        return not self._is_taken_by_products(node)

    def _is_taken_by_products(self, node: Node) -> bool:
        """A product reads its operand transposed for nothing."""
        if node.op != "Transpose":
            return False
        perm = node.attributes["perm"]
        rank = len(perm)
        swaps = rank >= 2 and tuple(perm) == (*range(rank - 2), rank - 1, rank - 2)
        readers = self._readers[node.outputs[0]]
        return swaps and bool(readers) and all(reader.op == "MatMul" for reader in readers)

    def _prolong(self, node: Node) -> bool:
        x, made = node.inputs[0], node.outputs[0]
        before = self._chains.get(x) or Chain(x, whole(x.shape))
        view = through(before.view, node)
        if view is None and before.nodes:
            self._make(x)
            before = Chain(x, whole(x.shape))
            view = through(before.view, node)
        if view is None or len(view.merged().axes) > MOST_AXES:
            return False
        self._chains[made] = Chain(before.source, view, (*before.nodes, node))
        return True

    def _place(self, node: Node) -> None:
        for value in node.inputs:
            self._make(value)
        self._nodes.append(node)

    def _make(self, value: Value) -> None:
        chain = self._chains.pop(value, None)
        if chain is None:
            return
        source, view = chain.source, chain.view
        if view.keeps_order(math.prod(sizes(source.shape))):
            node = Node("Reshape", (source,), (value,), {"shape": value.shape}, chain.nodes[-1].scope)
        elif len(chain.nodes) == 1 and _is_better_alone(chain.nodes[0]):
            node = chain.nodes[0]
        else:
            node = _move(chain, value)
        self._nodes.append(node)


def _is_better_alone(node: Node) -> bool:
    return node.op == "Call" or math.prod(sizes(node.outputs[0].shape)) < SMALL


def _move(chain: Chain, value: Value) -> Node:
    b = Builder(NAME)
    made = b.input(chain.source.type)
    for node in chain.nodes:
        (made,) = b.emit(node.op, [made], node.attributes)
    attributes = {"name": NAME, "body": b.finish([made]), "view": _numbers(chain.view), "value": chain.view.value}
    return Node("Call", (chain.source,), (value,), attributes, chain.nodes[-1].scope)


def _numbers(view: View) -> tuple[int, ...]:
    axes = view.merged().axes
    return (view.offset, *(number for a in axes for number in (a.size, a.stride, max(a.low, 0), min(a.high, a.size))))


def _write(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    shape = node.outputs[0].shape
    a = node.attributes
    w.add(NAME, inputs, outputs, domain=DOMAIN, dims=[len(shape), *shape], view=list(a["view"]), value=[a["value"]])


WRITERS: dict[str, NodeWriter] = {NAME: NodeWriter(_write)}
"""How the composites are written."""
