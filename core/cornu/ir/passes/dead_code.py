"""Dropping what nothing reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cornu.ir.program import Node, Program, Value


def dead_code(program: Program) -> Program:
    """Drops nodes that no output depends on, unused results and operands of branches and loops, unused residuals.

    The interface of a program (its inputs and outputs) stays. A composite keeps its results and operands, by whose
    places backends know them; its residuals go when none is read, and its gradient rule with them: run this pass
    after differentiation.

    Args:
        program: The program.

    Returns:
        The program without its dead parts; the same object where there are none.

    Example:
        >>> dead_code(program).nodes
    """
    nodes = _live_nodes(program, program.outputs)
    if len(nodes) == len(program.nodes) and all(new is old for new, old in zip(nodes, program.nodes, strict=True)):
        return program
    return Program(program.name, program.inputs, program.outputs, nodes)


def _live_nodes(program: Program, outputs: Iterable[Value]) -> tuple[Node, ...]:
    live = set(outputs)
    kept: list[Node] = []
    for node in reversed(program.nodes):
        used = [value in live for value in node.outputs]
        if not any(used):
            continue
        shrink = _SHRINK.get(node.op)
        if shrink is not None:
            node = shrink(node, used)
        kept.append(node)
        live.update(node.inputs)
    return tuple(reversed(kept))


def select(program: Program, inputs: Sequence[int], outputs: Sequence[int]) -> Program:
    """The part of a program that computes some of its outputs from some of its inputs."""
    wanted = tuple(program.outputs[i] for i in outputs)
    nodes = _live_nodes(program, wanted)
    same = len(inputs) == len(program.inputs) and len(outputs) == len(program.outputs)
    if same and len(nodes) == len(program.nodes) and all(map(_identical, nodes, program.nodes)):
        return program
    return Program(program.name, tuple(program.inputs[i] for i in inputs), wanted, nodes)


def read_inputs(program: Program, outputs: Sequence[int]) -> set[int]:
    """Positions of the inputs that some outputs depend on."""
    wanted = [program.outputs[i] for i in outputs]
    live = set(wanted)
    for node in _live_nodes(program, wanted):
        live.update(node.inputs)
    return {i for i, value in enumerate(program.inputs) if value in live}


def _identical(left: Node, right: Node) -> bool:
    return left is right


def _rebuilt(node: Node, inputs: Sequence[int], outputs: Sequence[int], attributes: dict[str, Any]) -> Node:
    same = len(inputs) == len(node.inputs) and len(outputs) == len(node.outputs)
    if same and all(node.attributes[name] is value for name, value in attributes.items() if isinstance(value, Program)):
        return node
    return Node(
        node.op,
        tuple(node.inputs[i] for i in inputs),
        tuple(node.outputs[i] for i in outputs),
        {**node.attributes, **attributes},
        node.scope,
    )


def _shrink_call(node: Node, used: list[bool]) -> Node:
    body: Program = node.attributes["body"]
    primals = node.attributes.get("primals") or len(node.outputs)
    if primals == len(node.outputs) or any(used[primals:]):
        inner = dead_code(body)
        return node if inner is body else _rebuilt(node, range(len(node.inputs)), range(len(used)), {"body": inner})
    everything = range(len(body.inputs))
    return _rebuilt(node, everything, range(primals), {"body": select(body, everything, range(primals)), "vjp": None})


def _shrink_if(node: Node, used: list[bool]) -> Node:
    outputs = [i for i, is_used in enumerate(used) if is_used]
    then, otherwise = node.attributes["then"], node.attributes["otherwise"]
    inputs = sorted(read_inputs(then, outputs) | read_inputs(otherwise, outputs))
    bodies = {"then": select(then, inputs, outputs), "otherwise": select(otherwise, inputs, outputs)}
    return _rebuilt(node, [0, *(i + 1 for i in inputs)], outputs, bodies)


def _shrink_scan(node: Node, used: list[bool]) -> Node:
    body: Program = node.attributes["body"]
    carries, sequences = node.attributes["carries"], node.attributes["sequences"]
    outputs = {i for i, is_used in enumerate(used) if is_used}
    inputs = _closure(body, carries, outputs)
    if not inputs and not outputs:
        return node
    kept_inputs, kept_outputs = sorted(inputs), sorted(outputs)
    attributes = {
        "body": select(body, kept_inputs, kept_outputs),
        "carries": sum(i < carries for i in kept_inputs),
        "sequences": sum(carries <= i < carries + sequences for i in kept_inputs),
    }
    return _rebuilt(node, kept_inputs, kept_outputs, attributes)


def _shrink_while(node: Node, used: list[bool]) -> Node:
    condition, body = node.attributes["condition"], node.attributes["body"]
    carries = node.attributes["carries"]
    outputs = {i for i, is_used in enumerate(used) if is_used}
    tested = read_inputs(condition, (0,))
    outputs |= {i for i in tested if i < carries}
    inputs = _closure(body, carries, outputs) | tested
    kept_inputs, kept_outputs = sorted(inputs), sorted(outputs)
    attributes = {
        "condition": select(condition, kept_inputs, (0,)),
        "body": select(body, kept_inputs, kept_outputs),
        "carries": len(kept_outputs),
    }
    return _rebuilt(node, kept_inputs, kept_outputs, attributes)


def _closure(body: Program, carries: int, outputs: set[int]) -> set[int]:
    """The inputs that `outputs` depend on through any number of steps; adds the carries among them to `outputs`."""
    while True:
        inputs = read_inputs(body, sorted(outputs))
        needed = {i for i in inputs if i < carries}
        if needed <= outputs:
            # A carry that is returned without being read in the body still needs its first value.
            return inputs | {i for i in outputs if i < carries}
        outputs |= needed


_SHRINK = {"Call": _shrink_call, "If": _shrink_if, "Scan": _shrink_scan, "While": _shrink_while}
