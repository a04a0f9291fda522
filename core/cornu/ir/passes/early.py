"""Doing early what frees memory, such as an optimizer's update of one weight."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.passes.movement_rules import ELEMENTWISE
from cornu.ir.program import Node, Program, Value

_OPS = ELEMENTWISE | {"Constant"}
_START = -1


def early_ends(program: Program) -> Program:
    """Moves elementwise nodes that lead to nothing but outputs to where their operands are there.

    A gradient lives no longer then than until its weight is updated. The node comes after all other readers of an input
    in whose place it could write its result, so that a backend may do that if the input is donated.

    Args:
        program: The program.

    Returns:
        The same nodes in another order; the same object where that is the old one.

    Example:
        >>> early_ends(program)
    """
    ends = _ends(program)
    if not ends:
        return program
    place = _places(program, ends)
    order = sorted(range(len(place)), key=lambda i: (place[i], i))
    if order == list(range(len(order))):
        return program
    return Program(program.name, program.inputs, program.outputs, tuple(program.nodes[i] for i in order))


def _ends(program: Program) -> set[int]:
    """The nodes, by their numbers, from which elementwise nodes alone lead to outputs."""
    inner: set[Value] = set()  # what a node reads that is no end itself
    ends: set[int] = set()
    for i in reversed(range(len(program.nodes))):
        node = program.nodes[i]
        if node.op in _OPS and inner.isdisjoint(node.outputs):
            ends.add(i)
        else:
            inner.update(node.inputs)
    return ends


def _places(program: Program, ends: set[int]) -> Sequence[int]:
    """For each node the last of the others, by its number, that it must come after; for those their own."""
    made = dict.fromkeys(program.inputs, _START)
    given = set(program.inputs)
    last_reader: dict[Value, int] = {}
    for i, node in enumerate(program.nodes):
        if i not in ends:
            made.update(dict.fromkeys(node.outputs, i))
            last_reader.update((value, i) for value in node.inputs if value in given)
    places = []
    for i, node in enumerate(program.nodes):
        place = i
        if i in ends:
            place = max((made[value] for value in node.inputs), default=_START)
            place = max(place, *(last_reader.get(value, _START) for value in _replaceable(node)), _START)
            made.update(dict.fromkeys(node.outputs, place))
        places.append(place)
    return places


def _replaceable(node: Node) -> list[Value]:
    return [value for value in node.inputs if value.type == node.outputs[0].type]
