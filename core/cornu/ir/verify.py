"""Checking that a program is well-formed."""

from __future__ import annotations

from cornu.ir.primitive import lookup
from cornu.ir.program import Program, Value


class VerificationError(AssertionError):
    """A program breaks a rule of the format: always a defect in the code that made it."""


def verify(program: Program, path: str = "") -> None:
    """Checks single assignment, order, and every node's types by inferring them again.

    Raises:
        VerificationError: At the first rule that is broken, with the node.
    """
    path = f"{path}/{program.name}"
    defined: set[Value] = set()
    for value in program.inputs:
        _define(value, defined, f"{path}: input {value!r}")
    for i, node in enumerate(program.nodes):
        where = f"{path}: node {i} {node.op}"
        for value in node.inputs:
            if value not in defined:
                raise VerificationError(f"{where} reads {value!r} before it is defined.")
        for body in node.bodies.values():
            verify(body, where)
        try:
            inferred = lookup(node.op).infer(*[value.type for value in node.inputs], **node.attributes)
        except (TypeError, ValueError) as error:
            raise VerificationError(f"{where}: {error}") from error
        types = inferred if isinstance(inferred, tuple) else (inferred,)
        if types != tuple(value.type for value in node.outputs):
            declared = ", ".join(str(value.type) for value in node.outputs)
            raise VerificationError(f"{where} declares {declared}, the rule says {', '.join(map(str, types))}.")
        for value in node.outputs:
            _define(value, defined, where)
    for value in program.outputs:
        if value not in defined:
            raise VerificationError(f"{path}: output {value!r} is not defined.")


def _define(value: Value, defined: set[Value], where: str) -> None:
    if value in defined:
        raise VerificationError(f"{where} defines {value!r} twice.")
    defined.add(value)
