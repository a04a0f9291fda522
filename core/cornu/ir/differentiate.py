"""Reverse-mode differentiation of what a builder has recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cornu.ir.builder import Builder
from cornu.ir.primitive import lookup
from cornu.ir.program import Program, Value
from cornu.ir.scope import BACKWARD, marked
from cornu.ir.types import is_float


def backward(b: Builder, cotangents: Mapping[Value, Value], sources: Sequence[Value]) -> list[Value | None]:
    """Adds the nodes that carry cotangents back to `sources`.

    Args:
        b: The builder that holds the forward nodes.
        cotangents: For each target, the cotangent that it starts with, of the same type.
        sources: What to differentiate with respect to.

    Returns:
        The cotangent of each source; None where no target depends on it.
    """
    sources = [b.own(source) for source in sources]
    dependent = {source for source in sources if is_float(source.dtype)}
    path = []
    for node in b.nodes:
        if lookup(node.op).vjp is not None and not dependent.isdisjoint(node.inputs):
            dependent.update(value for value in node.outputs if is_float(value.dtype))
            path.append(node)

    found: dict[Value, Value] = dict(cotangents)
    for node in reversed(path):
        if not any(value in found for value in node.outputs):
            continue
        rule = lookup(node.op).vjp
        assert rule is not None
        with b.scoped(marked(node.scope, BACKWARD)):
            arriving = [
                found[value] if value in found else b.zeros(b.resolve_type(value.type)) for value in node.outputs
            ]
            leaving = rule(b, node, *arriving)
            for value, cotangent in zip(node.inputs, leaving, strict=True):
                if cotangent is not None and value in dependent:
                    found[value] = b.Add(found[value], cotangent) if value in found else cotangent
    return [found.get(source) for source in sources]


def vjp_program(program: Program, wanted: Sequence[bool]) -> Program:
    """The program from a program's inputs and its outputs' cotangents to the cotangents of the wanted inputs.

    Args:
        program: The forward program.
        wanted: For each input, whether its cotangent is an output of the result (zeros where nothing depends on it).
    """
    b = Builder(f"{program.name}_vjp")
    inputs = [b.input(value.type, value.name) for value in program.inputs]
    arriving = [b.input(value.type) for value in program.outputs if is_float(value.dtype)]
    outputs = b.inline(program, inputs)
    targets: dict[Value, Value] = {}
    for output, cotangent in zip([value for value in outputs if is_float(value.dtype)], arriving, strict=True):
        targets[output] = b.Add(targets[output], cotangent) if output in targets else cotangent
    sources = [value for value, want in zip(inputs, wanted, strict=True) if want]
    found = backward(b, targets, sources)
    return b.finish([b.zeros(s.type) if c is None else c for s, c in zip(sources, found, strict=True)])
