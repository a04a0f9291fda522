"""Composites `Elementwise` as nodes of the custom operator: which nodes it computes, and its code for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.packing import Lane
from cornu.ir.program import Node, Program, Value

from cornu_kernels.fusing import NAME, fuse, spread

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.graph import GraphWriter

DOMAIN = "cornu.kernels"
_FUNCTIONS = ("Neg", "Abs", "Sign", "Sqrt", "Reciprocal", "Exp", "Tanh", "Sigmoid", "Relu", "Not", "Cast")
_NUMERIC = ("Add", "Sub", "Mul", "Div", "Max", "Min")
_LOGICAL = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "And", "Or")
INSTRUCTIONS = (*_FUNCTIONS, *_NUMERIC, *_LOGICAL, "Where")
"""In the order of `native/block.h`; a cast between truths and numbers is `TRUTH` there."""

REGISTER, LEAF, OUTPUT, CONSTANT = range(4)


def fits(node: Node) -> bool:
    """Whether the kernel computes that elementwise node: of 32-bit floats and truths."""
    operands = (*node.inputs, *node.outputs)
    if node.op not in INSTRUCTIONS or len(node.inputs) > 3:
        return False
    if node.op in ("Max", "Min") and len(node.inputs) != 2:
        return False
    return all(value.dtype in ("float32", "bool") for value in operands)


def lower(program: Program) -> Program:
    """The program with chains of elementwise nodes in one."""
    return fuse(program, _outside_of_products(program))


def _outside_of_products(program: Program) -> Callable[[Node], bool]:
    """ONNX Runtime adds a bias, and takes a Relu, within the product or convolution before: those stay."""
    producers = {value: node for node in program.nodes for value in node.outputs}

    def is_product(value: Value) -> bool:
        node = producers.get(value)
        return node is not None and (node.op in ("MatMul", "Conv") or _is_convolution(node))

    def has_bias(value: Value) -> bool:
        node = producers.get(value)
        return node is not None and node.op == "Add" and takes_bias(node)

    def takes_bias(node: Node) -> bool:
        pairs = (node.inputs, node.inputs[::-1])
        return any(is_product(value) and other.type.size != value.type.size for value, other in pairs)

    def keep(node: Node) -> bool:
        if node.op == "Add" and takes_bias(node):
            return False
        if node.op == "Relu" and (has_bias(node.inputs[0]) or is_product(node.inputs[0])):
            return False
        return fits(node)

    return keep


def _is_convolution(node: Node) -> bool:
    return node.op == "Call" and "Conv" in node.attributes["name"]


class _Code:
    """The instructions of a body, with registers that are used again once nobody needs what is in them."""

    def __init__(self, body: Program) -> None:
        self.steps: list[int] = []
        self.constants: list[float] = []
        self._places: dict[Value, int] = {value: 4 * i + LEAF for i, value in enumerate(body.inputs)}
        self._uses = Counter(value for node in body.nodes for value in node.inputs)
        self._free: list[int] = []
        self._registers = 0
        for i, value in enumerate(body.outputs):
            self._places[value] = 4 * i + OUTPUT
        for node in body.nodes:
            self._add(node)

    def _add(self, node: Node) -> None:
        if node.op == "Constant":
            self.constants.append(float(node.attributes["value"]))
            self._places[node.outputs[0]] = 4 * len(self.constants) - 4 + CONSTANT
            return
        operands = [self._places[value] for value in node.inputs]
        for value in node.inputs:
            self._uses[value] -= 1
            if not self._uses[value] and self._places[value] % 4 == REGISTER:
                self._free.append(self._places[value])
        (made,) = node.outputs
        if made not in self._places:
            self._places[made] = self._register()
        self.steps += [INSTRUCTIONS.index(node.op), *operands, *operands[:1] * (3 - len(operands)), self._places[made]]

    def _register(self) -> int:
        if self._free:
            return self._free.pop()
        self._registers += 1
        return 4 * self._registers - 4 + REGISTER


def join_lanes(lanes: Sequence[Lane]) -> list[Node]:
    """One composite that computes lanes which are alike, of whatever sizes."""
    numbers = [value for value in _read(lanes[0]) if value not in lanes[0].leaves]
    b = Builder(NAME)
    inputs: list[Value] = []
    outputs: list[Value] = []
    for lane in lanes:
        here = {value: b.input(value.type) for value in (*numbers, *lane.leaves)}
        inputs += here
        for node in lane.nodes:
            (here[node.outputs[0]],) = b.emit(node.op, [here[value] for value in node.inputs], node.attributes)
        outputs += (here[value] for value in lane.results)
    attributes = {"name": NAME, "body": b.finish(outputs), "lanes": len(lanes)}
    results = tuple(value for lane in lanes for value in lane.results)
    return [Node("Call", tuple(inputs), results, attributes, lanes[0].nodes[-1].scope)]


def _read(lane: Lane) -> list[Value]:
    """What the lane reads from elsewhere."""
    made = {node.outputs[0] for node in lane.nodes}
    return list(dict.fromkeys(value for node in lane.nodes for value in node.inputs if value not in made))


def _write(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    body, lanes = node.attributes["body"], node.attributes.get("lanes", 1)
    read = body.inputs[: len(body.inputs) - node.attributes.get("waits", 0)]
    leaves, results = len(read) // lanes, len(body.outputs) // lanes
    first = dead_code(Program(NAME, read[:leaves], body.outputs[:results], body.nodes))
    code = _Code(first)
    shapes = [value.shape for value in body.outputs[::results]]
    forms = [(value.dtype == "bool", *(spread(value.shape, shapes[i // leaves]) or ())) for i, value in enumerate(read)]
    w.add(
        "Elementwise",
        inputs,
        outputs,
        domain=DOMAIN,
        dims=[number for shape in shapes for number in (len(shape), *shape)],
        code=code.steps,
        leaves=[int(number) for form in forms for number in form],
        constants=np.asarray(code.constants or [0.0], np.float32).tolist(),
    )


WRITERS: dict[str, NodeWriter] = {NAME: NodeWriter(_write)}
"""How the composites are written."""
