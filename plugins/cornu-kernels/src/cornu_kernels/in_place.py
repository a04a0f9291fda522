"""Results that may be written where an input lies: an update of a weight, after everything else has read the weight."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from functools import reduce
from operator import or_

from cornu.ir.builder import Builder
from cornu.ir.program import Node, Program, Value

from cornu_kernels.fusing import NAME

_VIEWS = frozenset({"Reshape"})
"""What hands on its operand's memory."""

_JOINED = frozenset({"Add", "Relu", "Reshape"})
"""What the runtime may join with the node before, as long as nobody else reads what is between."""


def update_in_place(program: Program) -> tuple[Program, dict[int, int]]:
    """Lets composites `Elementwise` wait for all other readers of the inputs that they may overwrite.

    Args:
        program: A program whose elementwise chains are composites.

    Returns:
        An equal program, and for outputs that may lie on an input the input's position.

    Example:
        >>> update_in_place(program)
    """
    return _Planner(program).plan()


class _Planner:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._readers: dict[Value, list[Node]] = defaultdict(list)
        self._place: dict[int, int] = {}
        self._bits: dict[int, int] = {}
        for i, node in enumerate(program.nodes):
            self._place[id(node)] = i
            for value in dict.fromkeys(node.inputs):
                self._readers[value].append(node)

    def plan(self) -> tuple[Program, dict[int, int]]:
        program = self._program
        inputs = {value: i for i, value in enumerate(program.inputs)}
        wanted = {
            id(node): list(_pairs(node, inputs))
            for node in program.nodes
            if node.op == "Call" and node.attributes["name"] == NAME
        }
        return self._with_waits(wanted, inputs)

    def _with_waits(
        self, wanted: dict[int, list[tuple[Value, Value]]], inputs: dict[Value, int]
    ) -> tuple[Program, dict[int, int]]:
        times = Counter(self._program.outputs)
        outputs = {value: i for i, value in enumerate(self._program.outputs) if times[value] == 1}
        known = self._what_is_known({value for pairs in wanted.values() for _, value in pairs})
        nodes: list[Node] = []
        places: dict[int, int] = {}
        for node in self._program.nodes:
            pairs = wanted.get(id(node), ())
            have = reduce(or_, (known.get(value, 0) for value in node.inputs), 0)
            reads = Counter(node.inputs)
            waits: list[Value] = []
            for result, value in pairs:
                others = self._others(value, node)
                shared = reads[value] > 1  # in a node of several lanes one may read what another overwrites
                if result not in outputs or value in times or others is None or shared:
                    continue
                waits += [self._late(other, node) for other in others if not have & self._bits[id(other)]]
                places[outputs[result]] = inputs[value]
            nodes.append(_waiting(node, list(dict.fromkeys(waits))) if waits else node)
        program = self._program
        return Program(program.name, program.inputs, program.outputs, tuple(nodes)), places

    def _what_is_known(self, values: set[Value]) -> dict[Value, int]:
        """For each value, the readers of `values` that come before it, as bits."""
        readers = {id(reader): reader for value in values for reader in self._readers_of(value)}
        self._bits = {key: 1 << i for i, key in enumerate(readers)}
        known: dict[Value, int] = {}
        for node in self._program.nodes:
            bits = reduce(or_, (known.get(value, 0) for value in node.inputs), self._bits.get(id(node), 0))
            if bits:
                known.update(dict.fromkeys(node.outputs, bits))
        return known

    def _others(self, value: Value, writer: Node) -> list[Node] | None:
        """The other readers of a value; None where one of them comes after the writer, or is an output."""
        others = [reader for reader in self._readers_of(value) if reader is not writer]
        late = any(self._place[id(reader)] > self._place[id(writer)] or not reader.outputs for reader in others)
        return None if late else others

    def _readers_of(self, value: Value) -> Iterator[Node]:
        for reader in self._readers[value]:
            if reader.op in _VIEWS:
                yield from self._readers_of(reader.outputs[0])
            else:
                yield reader

    def _late(self, node: Node, writer: Node) -> Value:
        """A value that is not there before the node has run, and that waiting for does not hinder the runtime."""
        while True:
            (value, *_), readers = node.outputs, self._readers[node.outputs[0]]
            if len(readers) != 1 or self._place[id(readers[0])] >= self._place[id(writer)]:
                return value
            if node.op != "Transpose" and readers[0].op not in _JOINED:
                return value
            node = readers[0]


def _pairs(node: Node, inputs: Container[Value]) -> Iterator[tuple[Value, Value]]:
    """Results of a composite, each with an input of its type that nothing in it reads after the result is made."""
    body, lanes = node.attributes["body"], node.attributes.get("lanes", 1)
    last = {value: i for i, inner in enumerate(body.nodes) for value in inner.inputs}
    made = {value: i for i, inner in enumerate(body.nodes) for value in inner.outputs}
    leaves, results = len(node.inputs) // lanes, len(node.outputs) // lanes
    for lane in range(lanes):
        own = slice(lane * leaves, (lane + 1) * leaves)
        free = [pair for pair in zip(body.inputs[own], node.inputs[own], strict=True) if pair[1] in inputs]
        ends = slice(lane * results, (lane + 1) * results)
        for inner_result, result in zip(body.outputs[ends], node.outputs[ends], strict=True):
            fit = [pair for pair in free if pair[0].type == result.type and last[pair[0]] <= made[inner_result]]
            if fit:
                best = max(fit, key=lambda pair: last[pair[0]])  # what it is an update of is read last
                free.remove(best)
                yield result, best[1]


def _waiting(node: Node, waits: Sequence[Value]) -> Node:
    body: Program = node.attributes["body"]
    b = Builder(body.name)
    inputs = [b.input(value.type) for value in (*node.inputs, *waits)]
    outputs = b.inline(body, inputs[: len(node.inputs)])
    attributes = {**node.attributes, "body": b.finish(outputs), "waits": len(waits)}
    return Node("Call", (*node.inputs, *waits), node.outputs, attributes, node.scope)
