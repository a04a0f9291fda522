"""Computing once what is written more than once."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from cornu.ir.dim import Dim
from cornu.ir.fingerprint import fingerprint
from cornu.ir.passes.rewriting import Rewriter, once_per_program, with_bodies
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value

LARGE = 1 << 16
"""Arrays of more bytes are the same only where they are the same object."""

_COMMUTATIVE = frozenset(
    ("Add", "Mul", "Max", "Min", "And", "Or", "Xor", "Equal", "BitwiseAnd", "BitwiseOr", "BitwiseXor")
)
_fingerprints: WeakKeyDictionary[Program, str] = WeakKeyDictionary()


def common_subexpressions(program: Program) -> Program:
    """Lets equal nodes be one: same operator, operands and attributes.

    Nodes that are not pure, or whose sub-programs hold one that is not (a barrier of rematerialisation), are never
    merged.

    Args:
        program: The program.

    Returns:
        The program without repetitions; the same object where there are none.

    Example:
        >>> common_subexpressions(program)
    """
    rewriter = Rewriter(program)
    seen: dict[Any, Node] = {}
    inner_pass = once_per_program(common_subexpressions)
    for old in program.nodes:
        inner = with_bodies(old, inner_pass)
        rewriter.changed |= inner is not old
        node = rewriter.mapped(inner)
        if not is_pure(node):
            rewriter.append(node)
            continue
        first = seen.setdefault(_key(node), node)
        if first is node:
            rewriter.append(node)
            continue
        for value, same in zip(node.outputs, first.outputs, strict=True):
            rewriter.replace(value, same)
    return rewriter.finish()


def is_pure(node: Node) -> bool:
    """True where neither the node nor anything in its sub-programs is impure."""
    if not node.bodies:
        return lookup(node.op).pure
    return lookup(node.op).pure and all(
        lookup(inner.op).pure for name, body in node.bodies.items() if name != "vjp" for inner in body.walk()
    )


def _key(node: Node) -> Any:
    inputs: tuple[Value, ...] = node.inputs
    if node.op in _COMMUTATIVE:
        inputs = tuple(sorted(inputs, key=id))
    attributes = tuple((name, attribute_key(node.attributes[name])) for name in sorted(node.attributes))
    if node.op == "Constant":
        attributes = (*attributes, ("name", node.outputs[0].name))  # equal weights are still two weights
    # Types too: sizes that an outer unification has made equal may still be written differently.
    return (node.op, inputs, attributes, tuple(value.type for value in node.outputs))


def attribute_key(value: Any) -> Any:
    """Something hashable that is equal for attributes that mean the same."""
    if isinstance(value, np.ndarray):
        return (value.dtype.name, value.shape, value.tobytes() if value.nbytes <= LARGE else id(value))
    if isinstance(value, Program):
        if value not in _fingerprints:
            _fingerprints[value] = fingerprint(value)
        return _fingerprints[value]
    if isinstance(value, tuple):
        return tuple(map(attribute_key, value))
    if isinstance(value, Dim):
        return value
    return (type(value).__name__, repr(value))
