"""Taking out of a scan what is the same in every step, and bringing constants into it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.ir.passes.common_subexpressions import is_pure
from cornu.ir.passes.rewriting import Rewriter, Rule, rewrite
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import TensorType, numpy_dtype

_FREE = ("Constant", "Expand", "DimValue", "Range")
"""What costs less to make in a step than to carry into it."""


def simplify_loops(program: Program) -> Program:
    """Turns sequences of one repeated element into constants of a scan, computes once what no step changes, and puts
    constant numbers into the body, where they simplify it.

    Args:
        program: The program.

    Returns:
        An equal program; the same object where there was nothing to do.

    Example:
        >>> simplify_loops(program)
    """
    return rewrite(program, RULES)


def repeated_sequence(r: Rewriter, node: Node) -> tuple[Value, ...] | None:
    """A sequence of one element repeated is a constant"""
    a = node.attributes
    first, last = a["carries"], a["carries"] + a["sequences"]
    repeated = {i: element for i in range(first, last) if (element := _element(r, node.inputs[i])) is not None}
    if not repeated:
        return None
    order = [*(i for i in range(last) if i not in repeated), *repeated, *range(last, len(node.inputs))]
    body: Program = a["body"]
    return _emit(
        r,
        node,
        [repeated.get(i, node.inputs[i]) for i in order],
        Program(body.name, tuple(body.inputs[i] for i in order), body.outputs, body.nodes),
        sequences=a["sequences"] - len(repeated),
    )


def _element(r: Rewriter, sequence: Value) -> Value | None:
    """What a sequence repeats, in the shape of one element."""
    spread = r.producer(sequence, "Expand")
    if spread is None:
        return None
    source, shape = spread.inputs[0], sequence.shape
    if source.type.rank == len(shape):
        if source.shape[0] != 1:
            return None
        source = r.reshape(source, source.shape[1:])
    return r.expand(source, shape[1:])


def invariant_nodes(r: Rewriter, node: Node) -> tuple[Value, ...] | None:
    """What depends only on constants of a scan is computed before it"""
    body: Program = node.attributes["body"]
    first = node.attributes["carries"] + node.attributes["sequences"]
    outside: dict[Value, Value] = dict(zip(body.inputs[first:], node.inputs[first:], strict=True))
    moved: set[Node] = set()
    for inner in body.nodes:
        if (
            inner.inputs
            and inner.op not in _FREE
            and is_pure(inner)
            and all(value in outside for value in inner.inputs)
        ):
            results = r.emit_all(inner.op, *[outside[value] for value in inner.inputs], **inner.attributes)
            outside.update(zip(inner.outputs, results, strict=True))
            moved.add(inner)
    if not moved:
        return None
    left = tuple(inner for inner in body.nodes if inner not in moved)
    read = {value for inner in left for value in inner.inputs} | set(body.outputs)
    carried = [value for inner in moved for value in inner.outputs if value in read]
    inputs = [*node.inputs, *(outside[value] for value in carried)]
    return _emit(r, node, inputs, Program(body.name, (*body.inputs, *carried), body.outputs, left))


def known_constant(r: Rewriter, node: Node) -> tuple[Value, ...] | None:
    """A constant number, alone or repeated, is a constant of the body"""
    body: Program = node.attributes["body"]
    first = node.attributes["carries"] + node.attributes["sequences"]
    known = {i: number for i in range(first, len(node.inputs)) if (number := r.scalar(node.inputs[i])) is not None}
    if not known:
        return None
    made: list[Node] = []
    for i, number in known.items():
        value = body.inputs[i]
        value.name = ""  # names tell weights from numbers
        scalar = Value(TensorType(value.dtype, ()))
        array = np.asarray(number, numpy_dtype(value.dtype))
        if value.type.rank:
            made.append(Node("Constant", (), (scalar,), {"value": array}))
            made.append(Node("Expand", (scalar,), (value,), {"shape": value.shape}))
        else:
            made.append(Node("Constant", (), (value,), {"value": array}))
    kept = [i for i in range(len(node.inputs)) if i not in known]
    inner = Program(body.name, tuple(body.inputs[i] for i in kept), body.outputs, (*made, *body.nodes))
    return _emit(r, node, [node.inputs[i] for i in kept], inner)


def _emit(r: Rewriter, node: Node, inputs: list[Value], body: Program, **attributes: Any) -> tuple[Value, ...]:
    return r.emit_all("Scan", *inputs, **{**node.attributes, "body": body, **attributes})


RULES: dict[str, list[Rule]] = {"Scan": [repeated_sequence, invariant_nodes, known_constant]}
