"""Composites `Elementwise` as nodes of the custom operator: which nodes it computes, and its code for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.passes.packing import Lane, put_together
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import Shape

from cornu_kernels.fusing import NAME, fuse, spread
from cornu_kernels.operators import DOMAIN

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.graph import GraphWriter

_FUNCTIONS = ("Neg", "Abs", "Sign", "Sqrt", "Reciprocal", "Exp", "Tanh", "Sigmoid", "Relu", "Not", "Cast")
_NUMERIC = ("Add", "Sub", "Mul", "Div", "Max", "Min")
_LOGICAL = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "And", "Or")
INSTRUCTIONS = (*_FUNCTIONS, *_NUMERIC, *_LOGICAL, "Where", "Copy")
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


@dataclass(frozen=True)
class Window:
    """Where a tensor of the composite's shape lies: in all of another one, or in some of its last positions."""

    tensor: int
    width: int = 0
    pitch: int = 0
    offset: int = 0

    def part(self, width: int, pitch: int, offset: int) -> Window:
        """The window of that width that begins `offset` positions further."""
        return Window(self.tensor, width, self.pitch or pitch, self.offset + offset)


class _Code:
    """The instructions of a body, with registers that are used again once nobody needs what is in them."""

    def __init__(self, body: Program) -> None:
        self.steps: list[int] = []
        self.constants: list[float] = []
        self.leaves: list[tuple[Window, Value]] = []
        self.results: list[Window] = []
        self._windows = {value: Window(i) for i, value in enumerate(body.inputs)}
        self._outputs = {value: i for i, value in enumerate(body.outputs)}
        self._places: dict[Value, int] = {}
        self._uses = Counter(value for node in body.nodes for value in node.inputs)
        self._free: list[int] = []
        self._registers = 0
        for node in body.nodes:
            self._add(node)

    def _add(self, node: Node) -> None:
        if node.op == "Constant":
            self.constants.append(float(node.attributes["value"]))
            self._places[node.outputs[0]] = 4 * len(self.constants) - 4 + CONSTANT
        elif node.op == "Split":
            self._take_apart(node)
        elif node.op == "Concat":
            self._put_together(node)
        else:
            operands = [self._read(value) for value in node.inputs]
            self._emit(node.op, operands, self._place(node.outputs[0]))

    def _take_apart(self, node: Node) -> None:
        source = self._windows[node.inputs[0]]
        pitch = int(node.inputs[0].shape[-1])
        offset = 0
        for value, width in zip(node.outputs, node.attributes["sizes"], strict=True):
            self._windows[value] = source.part(width, pitch, offset)
            offset += width

    def _put_together(self, node: Node) -> None:
        (made,) = node.outputs
        pitch, offset = int(made.shape[-1]), 0
        for value in node.inputs:
            width = int(value.shape[-1])
            place = self._result(Window(self._outputs[made], width, pitch, offset))
            self._emit("Copy", [self._read(value)], place)
            offset += width

    def _emit(self, op: str, operands: list[int], place: int) -> None:
        self.steps += [INSTRUCTIONS.index(op), *operands, *operands[:1] * (3 - len(operands)), place]

    def _read(self, value: Value) -> int:
        if value not in self._places:
            self._places[value] = 4 * len(self.leaves) + LEAF
            self.leaves.append((self._windows[value], value))
        place = self._places[value]
        self._uses[value] -= 1
        if not self._uses[value] and place % 4 == REGISTER:
            self._free.append(place)
        return place

    def _place(self, made: Value) -> int:
        if made in self._outputs:
            self._places[made] = self._result(Window(self._outputs[made]))
        elif self._free:
            self._places[made] = self._free.pop()
        else:
            self._registers += 1
            self._places[made] = 4 * self._registers - 4 + REGISTER
        return self._places[made]

    def _result(self, window: Window) -> int:
        self.results.append(window)
        return 4 * len(self.results) - 4 + OUTPUT


def join_lanes(lanes: Sequence[Lane]) -> list[Node]:
    """One composite that computes lanes which are alike, of whatever sizes; the usual nodes where the kernel cannot."""
    if not all(map(fits, lanes[0].nodes)):
        return put_together(lanes)
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
    given = (len(body.inputs) - node.attributes.get("waits", 0)) // lanes
    results = len(body.outputs) // lanes
    nodes = len(body.nodes) // lanes
    one = [
        Program(
            NAME,
            body.inputs[i * given :][:given],
            body.outputs[i * results :][:results],
            body.nodes[i * nodes :][:nodes],
        )
        for i in range(lanes)
    ]
    code = _Code(one[0])
    shapes = [_space(lane) for lane in one]
    w.add(
        "Elementwise",
        inputs,
        outputs,
        domain=DOMAIN,
        dims=[number for shape in shapes for number in (len(shape), *shape)],
        code=code.steps,
        leaves=[n for lane, shape in zip(one, shapes, strict=True) for n in _forms(lane, shape)],
        results=[n for r in code.results for n in (r.tensor, r.width, r.pitch, r.offset)],
        constants=np.asarray(code.constants or [0.0], np.float32).tolist(),
    )


def _space(body: Program) -> Shape:
    """The shape of what is computed."""
    return next(node.outputs[0].shape for node in body.nodes if node.op not in ("Constant", "Split"))


def _forms(body: Program, shape: Shape) -> Iterator[int]:
    """For each leaf: its tensor, whether it holds truths, how it is spread, and its window."""
    for window, value in _Code(body).leaves:
        inner, count = spread(value.shape, shape) or (1, 1)
        yield from (window.tensor, value.dtype == "bool", inner, count, window.width, window.pitch, window.offset)


WRITERS: dict[str, NodeWriter] = {NAME: NodeWriter(_write)}
"""How the composites are written."""
