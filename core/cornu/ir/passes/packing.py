"""Doing at once what is done to many small tensors alike, such as an optimizer's update of many small weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from cornu.ir.builder import Builder
from cornu.ir.passes.ordering import in_order
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import is_float

LARGEST = 8192
"""Elements up to which a tensor is small: copying it costs less than the runtime's work around one operator."""

FEWEST = 4
"""Lanes that are worth it."""

_ELEMENTWISE = frozenset(
    {"Neg", "Abs", "Sign", "Sqrt", "Reciprocal", "Exp", "Log", "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"}
)


@dataclass
class Lane:
    """Elementwise nodes on tensors of one shape that belong together, as those that update one weight.

    Args:
        nodes: The nodes, in the program's order.
        leaves: What they read of that shape from elsewhere, in the order of first use.
        results: Their outputs that are read elsewhere.
    """

    nodes: list[Node] = field(default_factory=list)
    leaves: list[Value] = field(default_factory=list)
    results: list[Value] = field(default_factory=list)


Join = Callable[[Sequence[Lane]], list[Node]]
"""From lanes that compute alike to nodes that compute all of them, the lanes' results being their outputs."""


def pack(program: Program, join: Join | None = None) -> Program:
    """Joins small tensors that go through equal elementwise nodes, computes once, and takes the results apart.

    Args:
        program: The program; tensors of unknown sizes stay as they are.
        join: What computes lanes at once; None for nodes on the tensors put together.

    Returns:
        An equal program of fewer nodes; the same object where there is nothing to join.

    Example:
        >>> pack(program)
    """
    tried: set[Hashable] = set()
    while groups := _groups(program, tried):
        tried.update(groups)
        program = _with_packed(program, _independent(program, list(groups.values())), join or put_together)
    return program


def _groups(program: Program, tried: set[Hashable]) -> dict[Hashable, list[Lane]]:
    """The lanes that are alike, by what they are; those that save most nodes come first."""
    groups: dict[Hashable, list[Lane]] = defaultdict(list)
    makers = {value: node for node in program.nodes for value in node.outputs}
    for lane in _lanes(program):
        if not any(_is_large(value) for leaf in lane.leaves for value in _sources(leaf, makers)):
            groups[_form(lane)].append(lane)
    fit = {key: lanes for key, lanes in groups.items() if key not in tried and len(lanes) >= FEWEST and _saved(lanes)}
    return dict(sorted(fit.items(), key=lambda group: -_saved(group[1])))


def _sources(leaf: Value, makers: Mapping[Value, Node]) -> tuple[Value, ...]:
    """What a value is computed from, in whatever shape."""
    node = makers.get(leaf)
    while node is not None and node.op == "Reshape":
        leaf, node = node.inputs[0], makers.get(node.inputs[0])
    return (leaf,) if node is None else node.inputs


def _is_large(value: Value) -> bool:
    """What is read when many others are done, too, has left the processor's caches by then."""
    size = value.type.size
    return not isinstance(size, int) or size > LARGEST


def _saved(lanes: Sequence[Lane]) -> int:
    """How many nodes fewer there would be."""
    one = lanes[0]
    return max(len(lanes) * len(one.nodes) - len(one.nodes) - len(one.leaves) - len(one.results), 0)


def _is_small(node: Node) -> bool:
    if node.op not in _ELEMENTWISE:
        return False
    type = node.outputs[0].type
    if not type.rank or not isinstance(type.size, int) or not 0 < type.size <= LARGEST or not is_float(type.dtype):
        return False
    return all(value.type == type or _is_number(value) for value in node.inputs)


def _is_number(value: Value) -> bool:
    return not value.type.rank


def _lanes(program: Program) -> list[Lane]:
    """The small elementwise nodes, connected ones together."""
    lane_of: dict[Value, Lane] = {}
    small = [node for node in program.nodes if _is_small(node)]
    for node in small:
        neighbours = {id(lane_of[v]): lane_of[v] for v in node.inputs if v in lane_of and not _is_number(v)}
        lane = next(iter(neighbours.values()), None) or Lane()
        for other in list(neighbours.values())[1:]:
            lane.nodes += other.nodes
            lane_of.update((value, lane) for each in other.nodes for value in each.outputs)
        lane.nodes.append(node)
        lane_of[node.outputs[0]] = lane
    place = {id(node): i for i, node in enumerate(program.nodes)}
    outside = _read_outside(program, lane_of)
    lanes = list({id(lane): lane for lane in lane_of.values()}.values())
    for lane in lanes:
        lane.nodes.sort(key=lambda node: place[id(node)])
        made = {node.outputs[0] for node in lane.nodes}
        read = [value for node in lane.nodes for value in node.inputs if not _is_number(value)]
        lane.leaves = list(dict.fromkeys(value for value in read if value not in made))
        lane.results = [node.outputs[0] for node in lane.nodes if node.outputs[0] in outside]
    return lanes


def _read_outside(program: Program, lane_of: Mapping[Value, Lane]) -> set[Value]:
    """The values of lanes that nodes outside of their lane read, or that are outputs."""
    found = set(program.outputs)
    for node in program.nodes:
        own = lane_of.get(node.outputs[0]) if node.outputs else None
        found.update(value for value in node.inputs if value in lane_of and lane_of[value] is not own)
    return found


def _form(lane: Lane) -> Hashable:
    """Equal for lanes that compute the same of tensors that can be joined along their first axis."""
    names: dict[Value, Hashable] = {value: ("leaf", i) for i, value in enumerate(lane.leaves)}
    nodes: list[Hashable] = []
    for i, node in enumerate(lane.nodes):
        nodes.append((node.op, tuple(names.get(value, value) for value in node.inputs)))
        names[node.outputs[0]] = ("node", i)
    type = lane.nodes[0].outputs[0].type
    return type.dtype, type.shape[1:], tuple(nodes), tuple(names[value] for value in lane.results)


def _independent(program: Program, groups: Sequence[list[Lane]]) -> list[list[Lane]]:
    """The groups of which no lane reads what depends on the group's results."""
    group_of = {node.outputs[0]: i for i, group in enumerate(groups) for lane in group for node in lane.nodes}
    lane_of = {node.outputs[0]: lane for group in groups for lane in group for node in lane.nodes}
    behind: dict[Value, int] = {}  # what a value depends on: a bit for each group
    dependent: set[int] = set()
    for node in program.nodes:
        read = reduce(or_, (behind.get(value, 0) for value in node.inputs), 0)
        own = group_of.get(node.outputs[0]) if node.outputs else None
        if own is not None:
            lane = lane_of[node.outputs[0]]
            outside = [behind.get(value, 0) for value in node.inputs if lane_of.get(value) is not lane]
            if any(bits >> own & 1 for bits in outside):
                dependent.add(own)
            read |= 1 << own
        behind.update(dict.fromkeys(node.outputs, read))
    return [group for i, group in enumerate(groups) if i not in dependent]


def _with_packed(program: Program, groups: Sequence[Sequence[Lane]], join: Join) -> Program:
    """All groups packed; those that need each other's results, which then cannot all be, are found by halving."""
    if not groups:
        return program
    nodes = [node for group in groups for node in join(group)]
    gone = {id(node) for group in groups for lane in group for node in lane.nodes}
    nodes = [*(node for node in program.nodes if id(node) not in gone), *nodes]
    ordered = in_order(nodes, program.inputs)
    if len(ordered) == len(nodes):
        return Program(program.name, program.inputs, program.outputs, tuple(ordered))
    if len(groups) == 1:
        return program
    half = len(groups) // 2
    return _with_packed(_with_packed(program, groups[:half], join), groups[half:], join)


def put_together(lanes: Sequence[Lane]) -> list[Node]:
    """Tensors joined along their first axis, the lanes' nodes once, and the results taken apart."""
    b = Builder()
    for value in {value for lane in lanes for node in lane.nodes for value in (*node.inputs, *node.outputs)}:
        b.adopt(value)
    one = lanes[0]
    joined: dict[Value, Value] = {
        leaf: b.Concat(*(lane.leaves[i] for lane in lanes), axis=0) for i, leaf in enumerate(one.leaves)
    }
    for node in one.nodes:
        with b.scoped(node.scope):
            (joined[node.outputs[0]],) = b.emit(
                node.op, [joined.get(value, value) for value in node.inputs], node.attributes
            )
    sizes = tuple(lane.nodes[0].outputs[0].shape[0] for lane in lanes)
    parts: list[Node] = []
    for i, result in enumerate(one.results):
        outputs = tuple(lane.results[i] for lane in lanes)
        parts.append(Node("Split", (joined[result],), outputs, {"axis": 0, "sizes": sizes}))
    return [*b.nodes, *parts]
