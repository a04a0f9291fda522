"""Replacing composites by what they are made of."""

from __future__ import annotations

from collections.abc import Callable

from cornu.ir.passes.rewriting import once_per_program, with_bodies
from cornu.ir.program import Node, Program, Value


def inline(program: Program, keep: Callable[[Node], bool]) -> Program:
    """Inlines every `Call` that is not kept, in sub-programs too; the bodies of those that are kept stay untouched.

    Args:
        program: The program.
        keep: Tells for a `Call` whether it stays.

    Returns:
        The program without the other composites; the same object where there are none.

    Example:
        >>> inline(program, lambda call: call.attributes["name"] == "LSTM")
    """
    inner_pass = once_per_program(lambda body: inline(body, keep))
    replaced: dict[Value, Value] = {}
    nodes: list[Node] = []
    changed = False
    for old in program.nodes:
        inputs = tuple(replaced.get(value, value) for value in old.inputs)
        node = old if inputs == old.inputs else Node(old.op, inputs, old.outputs, old.attributes, old.scope)
        if node.op != "Call":
            node = with_bodies(node, inner_pass)
        elif not keep(node):
            copied = _copy_body(inner_pass(node.attributes["body"]), node, nodes)
            replaced.update(zip(node.outputs, copied, strict=True))
            changed = True
            continue
        changed |= node is not old
        nodes.append(node)
    if not changed:
        return program
    outputs = tuple(replaced.get(value, value) for value in program.outputs)
    return Program(program.name, program.inputs, outputs, tuple(nodes))


def _copy_body(body: Program, call: Node, nodes: list[Node]) -> list[Value]:
    here: dict[Value, Value] = dict(zip(body.inputs, call.inputs, strict=True))
    for node in body.nodes:
        outputs = tuple(Value(value.type, value.name) for value in node.outputs)
        here.update(zip(node.outputs, outputs, strict=True))
        scope = "/".join(part for part in (call.scope, node.scope) if part)
        nodes.append(Node(node.op, tuple(here[value] for value in node.inputs), outputs, node.attributes, scope))
    return [here[value] for value in body.outputs]
