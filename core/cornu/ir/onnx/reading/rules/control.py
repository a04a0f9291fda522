"""Reading branches and loops."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import GraphProto

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType


class _Body:
    """A sub-graph that was read: its builder, formal inputs and outputs."""

    def __init__(self, r: GraphReader, graph: GraphProto, types: Sequence[TensorType]) -> None:
        if len(graph.input) != len(types):
            raise ValueError(f"its graph {graph.name!r} must have {len(types)} inputs, it has {len(graph.input)}.")
        self.b = Builder(graph.name or "body", r.b)
        self.reader = GraphReader(self.b, r.opset, r)
        self.reader.read_initializers(graph)
        self.formal = [self.b.input(type, info.name) for info, type in zip(graph.input, types, strict=True)]
        for info, value in zip(graph.input, self.formal, strict=True):
            self.reader.define(info.name, value)
        self.reader.declare(graph)
        self.reader.read_nodes(graph)
        self.outputs = [self.b.own(self.reader.value(info.name)) for info in graph.output]

    @property
    def captured(self) -> list[Value]:
        """The outer tensors that it reads."""
        return list(self.b.captures)

    def close(self, outputs: Sequence[Value], captured: Sequence[Value]) -> Program:
        """The program from the formal inputs and then `captured` to `outputs`."""
        inner = [self.b.own(value) for value in captured]
        program = self.b.finish(outputs)
        return Program(program.name, (*self.formal, *inner), program.outputs, program.nodes)


def _captured(*bodies: _Body) -> list[Value]:
    return list(dict.fromkeys(value for body in bodies for value in body.captured))


@reads("If")
def _if(r: GraphReader, node: OnnxNode) -> Sequence[Value]:
    condition = r.given(node, 0)
    if condition.type.rank:
        condition = r.b.Reshape(condition, shape=())
    then, otherwise = (_Body(r, node.attributes[name], []) for name in ("then_branch", "else_branch"))
    captured = _captured(then, otherwise)
    programs = {
        "then": then.close(then.outputs, captured),
        "otherwise": otherwise.close(otherwise.outputs, captured),
    }
    return r.b.emit("If", [condition, *captured], programs)


@reads("Scan")
def _scan(r: GraphReader, node: OnnxNode) -> Sequence[Value]:
    values = r.all(node)
    sequences = node.get("num_scan_inputs")
    carries = len(values) - sequences
    graph: GraphProto = node.attributes["body"]
    results = len(graph.output) - carries
    directions = {
        *node.get("scan_input_directions", (0,) * sequences),
        *node.get("scan_output_directions", (0,) * results),
    }
    axes = (*node.get("scan_input_axes", ()), *node.get("scan_output_axes", ()))
    if len(directions) != 1 or any(axes):
        raise node.error("scans along other axes than the first, or in both directions at once, are not supported.")
    types = [r.b.resolve_type(value.type) for value in values]
    elements = [*types[:carries], *(TensorType(type.dtype, type.shape[1:]) for type in types[carries:])]
    body = _Body(r, graph, elements)
    captured = _captured(body)
    attributes = {
        "body": body.close(body.outputs, captured),
        "carries": carries,
        "sequences": sequences,
        "length": types[carries].shape[0],
        "reverse": directions == {1},
    }
    return r.b.emit("Scan", [*values, *captured], attributes)


@reads("Loop")
def _loop(r: GraphReader, node: OnnxNode) -> Sequence[Value]:
    """A loop without stacked results is a While; one with them, of a known number of steps, a Scan."""
    graph: GraphProto = node.attributes["body"]
    states = [r.value(name) for name in node.inputs[2:]]
    types = [r.b.resolve_type(value.type) for value in states]
    body = _Body(r, graph, [TensorType("int64", ()), TensorType("bool", ()), *types])
    stacked = len(graph.output) - 1 - len(states)
    if stacked:
        return _counted_loop(r, node, body, states)
    limit = r.given(node, 0) if node.has(0) else None
    going = r.given(node, 1) if node.has(1) else r.b.constant(True)
    carried = [r.b.constant(0, "int64"), going, *states]
    captured = [*_captured(body), *([limit] if limit is not None else [])]
    captured = list(dict.fromkeys(captured))
    following = [body.b.Add(body.formal[0], 1), *body.outputs]
    program = body.close(following, captured)
    condition = _going_on(r, program, None if limit is None else len(carried) + captured.index(limit))
    attributes = {"condition": condition, "body": program, "carries": len(carried)}
    return r.b.emit("While", [*carried, *captured], attributes)[2:]


def _going_on(r: GraphReader, body: Program, limit: int | None) -> Program:
    """The condition of a loop: its flag, and a step counter below the limit."""
    b = Builder("condition")
    inputs = [b.input(value.type) for value in body.inputs]
    flag = inputs[1]
    return b.finish([flag if limit is None else b.And(flag, b.Less(inputs[0], b.Reshape(inputs[limit], shape=())))])


def _counted_loop(r: GraphReader, node: OnnxNode, body: _Body, states: Sequence[Value]) -> Sequence[Value]:
    known = r.known(node.inputs[0]) if node.has(0) else None
    graph: GraphProto = node.attributes["body"]
    unconditional = (not node.has(1) or r.array(node.inputs[1]) is not None) and _passes_condition(body, graph)
    if known is None or not unconditional:
        raise node.error("a loop with stacked results must have a known number of steps and no condition.")
    length: DimLike = known.tuple()[0]
    captured = _captured(body)
    flag, *rest = body.outputs
    counter = body.b.Add(body.formal[0], 1)
    attributes = {
        "body": body.close([counter, flag, *rest], captured),
        "carries": 2 + len(states),
        "sequences": 0,
        "length": length,
        "reverse": False,
    }
    inputs = [r.b.constant(0, "int64"), r.b.constant(True), *states, *captured]
    return r.b.emit("Scan", inputs, attributes)[2:]


def _passes_condition(body: _Body, graph: GraphProto) -> bool:
    """True where the body's condition is always true."""
    array = body.reader.array(graph.output[0].name)
    return body.outputs[0] is body.formal[1] or (array is not None and bool(array))
