"""Writing branches, loops and the barrier; sub-graphs read outer tensors by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto

from cornu.ir.onnx.protos import ELEMENT_TYPES, value_info
from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.onnx.writing.rules.guards import guarded, write_nothing
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import TensorType


def _branch(w: GraphWriter, name: str, program: Program, captures: Sequence[str]) -> GraphProto:
    g = w.subgraph(name)
    names = g.finish(g.inline(program, captures, [None] * len(program.outputs)), [""] * len(program.outputs))
    return g.proto([], g.declared(names, [value.type for value in program.outputs]))


@writes("If")
def _if(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    then = _branch(w, "then", node.attributes["then"], inputs[1:])
    otherwise = _branch(w, "else", node.attributes["otherwise"], inputs[1:])
    w.add("If", inputs[:1], outputs, then_branch=then, else_branch=otherwise)
    return None


def _arguments(w: GraphWriter, values: Sequence[Value], wish: str) -> list[str]:
    return [w.model.names.unique(value.name or wish) for value in values]


@writes("Scan")
def _scan(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    carries = node.attributes["carries"]

    def no_step(g: GraphWriter, names: Sequence[str]) -> None:
        for i, name in enumerate(names):
            if i < carries:
                g.add("Identity", [inputs[i]], [name])
            else:
                write_nothing(g, node, i, name)

    def steps(g: GraphWriter, names: Sequence[str]) -> None:
        _write_scan(g, node, inputs, names)

    guarded(w, node, outputs, [node.attributes["length"]], steps, no_step)
    return None


def _write_scan(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    a = node.attributes
    body: Program = a["body"]
    carries, sequences = a["carries"], a["sequences"]
    looped = carries + sequences
    g = w.subgraph("body")
    formal = _arguments(w, body.inputs[:looped], "element")
    results = g.finish(
        g.inline(body, [*formal, *inputs[looped:]], [None] * len(body.outputs)), [""] * len(body.outputs)
    )
    actual = list(inputs[:looped])
    declared = g.declared(formal, [value.type for value in body.inputs[:looped]])
    if not sequences:
        # ONNX takes the number of steps from a sequence.
        sequences = 1
        actual.append(w.new("Expand", w.number(False, np.dtype(bool)), w.sizes.vector((a["length"],))))
        declared += g.declared([w.model.names.unique("step")], [TensorType("bool", ())])
    scanned = len(body.outputs) - carries
    w.add(
        "Scan",
        actual,
        outputs,
        body=g.proto(declared, g.declared(results, [value.type for value in body.outputs])),
        num_scan_inputs=sequences,
        scan_input_directions=[1] * sequences if a["reverse"] else None,
        scan_output_directions=[1] * scanned if a["reverse"] and scanned else None,
    )


@writes("While")
def _while(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    body: Program = node.attributes["body"]
    condition: Program = node.attributes["condition"]
    carries = node.attributes["carries"]
    constants = inputs[carries:]
    (first,) = w.inline(condition, inputs, [None])
    g = w.subgraph("body")
    formal = [
        w.model.names.unique("iteration"),
        w.model.names.unique("condition"),
        *_arguments(w, body.inputs[:carries], "carry"),
    ]
    states = g.inline(body, [*formal[2:], *constants], [None] * carries)
    (going,) = g.inline(condition, [*states, *constants], [None])
    results = g.finish([going, *states], [""] * (1 + carries))
    flag, counter = TensorType("bool", ()), TensorType("int64", ())
    state_types = [value.type for value in body.outputs]
    proto = g.proto(
        g.declared(formal, [counter, flag, *(value.type for value in body.inputs[:carries])]),
        g.declared(results, [flag, *state_types]),
    )
    w.add("Loop", ["", first, *inputs[:carries]], outputs, body=proto)
    return None


@writes("Barrier")
def _barrier(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    """Reshapes to the same shape, which is chosen by an element of the tensor waited for.

    No optimizer can know the outcome before that tensor exists, and a Reshape copies nothing.
    """
    ready = _known_only_after(w, node.inputs[-1], inputs[-1])
    for value, name, output in zip(node.inputs, inputs[:-1], outputs, strict=False):
        exact = w.sizes.vector(value.shape)
        inferred = exact
        if value.shape and all(isinstance(dim, int) and dim > 0 for dim in value.shape):
            inferred = w.ints((-1, *value.shape[1:]))  # type: ignore[arg-type]
        shape = w.new("Where", ready, exact, inferred)
        w.add("Reshape", [name, shape], [output], allowzero=1 if inferred == exact else None)
        if not w.model.with_types:
            # Nobody can infer it.
            w.types.append(value_info(output, value.type, w.model.name_size))
    return None


def _known_only_after(w: GraphWriter, value: Value, name: str) -> str:
    """A bool tensor of shape [1] made of the last element of `value`, or of nothing where it is empty."""
    flat = w.new("Reshape", name, w.ints((-1,)))
    last = w.new("Slice", flat, w.ints((-1,)), w.ints((np.iinfo(np.int64).max,)))
    flag = last if value.dtype == "bool" else w.new("Cast", last, to=ELEMENT_TYPES["bool"])
    if all(isinstance(dim, int) and dim > 0 for dim in value.shape):
        return flag
    padded = w.new("Concat", w.constant(np.zeros(1, np.bool_)), flag, axis=0)
    return w.new("Slice", padded, w.ints((-1,)), w.ints((np.iinfo(np.int64).max,)))
