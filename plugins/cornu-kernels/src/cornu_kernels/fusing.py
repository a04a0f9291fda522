"""Joining elementwise nodes of one shape, so that a backend can compute them in one pass over memory."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from cornu.ir.builder import Builder
from cornu.ir.passes.ordering import in_order
from cornu.ir.passes.rewriting import once_per_program, with_bodies
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import Shape

from cornu_kernels.views import sizes

NAME = "Elementwise"
"""The composite's name; its body says what it computes."""

FEWEST = 2
NARROWEST = 8
"""How wide parts along the last axis are that are worth reading and writing in place."""

MOST_NODES = 32
MOST_OPERANDS = 24
"""A pass reads and writes no more tensors than that: what is longer is cut."""

Fits = Callable[[Node], bool]


def fuse(program: Program, fits: Fits) -> Program:
    """Makes composites of elementwise nodes that read each other's results.

    Every node has a level: the most borders on a way to it, where a border is a node that is not elementwise, or a
    change of shape. What is connected, of one shape and of one level is one composite; as all other edges lead to a
    higher level, composites never wait for each other in a circle. A node that is only needed at a higher level is
    computed there, where its result need not be stored.

    Args:
        program: The program.
        fits: Tells whether a node is elementwise, and of a kind that the backend computes so.

    Returns:
        An equal program with composites `Elementwise`; the same object where nothing can be joined.

    Example:
        >>> fuse(program, lambda node: node.outputs[0].dtype == "float32")
    """

    def change(part: Program) -> Program:
        nodes = tuple(with_bodies(node, inner) if node.op != "Call" else node for node in part.nodes)
        if any(new is not old for new, old in zip(nodes, part.nodes, strict=True)):
            part = Program(part.name, part.inputs, part.outputs, nodes)
        groups = _groups(part, fits)
        return _fused(part, groups) if groups else part

    inner = once_per_program(change)
    return change(program)


def can_be_spread(node: Node) -> bool:
    """Whether the sizes are known, and each input's element for an element of the output is easily found."""
    shape = node.outputs[0].shape
    return all(isinstance(size, int) and size > 0 for size in shape) and all(
        spread(value.shape, shape) is not None for value in node.inputs
    )


def spread(shape: Shape, to: Shape) -> tuple[int, int] | None:
    """How a tensor is broadcast: element i of the result is element `(i // inner) % count` of the tensor.

    Args:
        shape: The tensor's shape.
        to: The result's shape, of known sizes.

    Returns:
        `(inner, count)`, or None where it is broadcast in another way.

    Example:
        >>> spread((3, 1), (2, 3, 4))
        (4, 3)
    """
    if len(shape) > len(to):
        return None
    full = (1,) * (len(to) - len(shape)) + tuple(shape)
    kept = [axis for axis, (own, size) in enumerate(zip(full, to, strict=True)) if own == size != 1]
    if any(own not in (1, size) for own, size in zip(full, to, strict=True)):
        return None
    if not kept:
        return 1, 1
    inside = range(kept[0], kept[-1] + 1)
    if any(full[axis] != to[axis] for axis in inside):
        return None
    return math.prod(sizes(to[kept[-1] + 1 :])), math.prod(sizes(to[kept[0] : kept[-1] + 1]))


def _groups(program: Program, fits: Fits) -> list[list[Node]]:
    """The nodes of each composite, in the program's order."""
    members = {node.outputs[0]: node for node in program.nodes if fits(node) and can_be_spread(node)}
    while True:
        groups = [part for group in _connected(program, members) for part in _cut(group)]
        groups = [group for group in groups if len(group) >= FEWEST]
        exposed = _exposed_truths(program, groups)
        if not exposed:
            return groups
        for value in exposed:
            del members[value]


def _exposed_truths(program: Program, groups: Sequence[Sequence[Node]]) -> set[Value]:
    """Truths that are read outside of the composite that makes them: what comes out of composites are numbers."""
    home = {node.outputs[0]: i for i, group in enumerate(groups) for node in group}
    found = set(program.outputs)
    for node in program.nodes:
        own = home.get(node.outputs[0], -1) if node.outputs else -1
        found.update(value for value in node.inputs if home.get(value, own) != own)
    return {value for value in found if value in home and value.dtype == "bool"}


def _connected(program: Program, members: Mapping[Value, Node]) -> list[list[Node]]:
    levels = _levels(program, members)
    root: dict[Value, Value] = {value: value for value in members}

    def find(value: Value) -> Value:
        while root[value] is not value:
            root[value] = root[root[value]]
            value = root[value]
        return value

    for made, node in members.items():
        for value in node.inputs:
            if value in members and value.shape == made.shape and levels[value] == levels[made]:
                root[find(value)] = find(made)
    for node in program.nodes:
        if _joins_windows(node) and members.keys() >= set(node.inputs):
            # What lies side by side in the end is computed side by side.
            first, *others = node.inputs
            for value in others:
                if levels[value] == levels[first]:
                    root[find(value)] = find(first)
    groups: dict[Value, list[Node]] = defaultdict(list)
    for made, node in members.items():
        groups[find(made)].append(node)
    return list(groups.values())


def _levels(program: Program, members: Mapping[Value, Node]) -> dict[Value, int]:
    levels: dict[Value, int] = dict.fromkeys(program.inputs, 0)
    for node in program.nodes:
        level = max((levels[v] + _border(v, node, members) for v in node.inputs), default=0)
        levels.update(dict.fromkeys(node.outputs, level))
    latest: dict[Value, int] = {}
    joinable: dict[Value, int] = {}
    for node in reversed(program.nodes):
        made = node.outputs[0] if node.outputs else None
        if made is not None and made in members and joinable.get(made) == latest.get(made) and made in latest:
            levels[made] = max(levels[made], latest[made])
        for value in node.inputs:
            at = levels[node.outputs[0]] if node.outputs else 0
            border = _border(value, node, members)
            latest[value] = min(latest.get(value, at), at - border)
            if not border:
                joinable[value] = min(joinable.get(value, at), at)
    return levels


def _border(value: Value, node: Node, members: Mapping[Value, Node]) -> int:
    """1 where a composite cannot hold both the node and what made the value."""
    made = node.outputs[0] if node.outputs else None
    return int(value in members and (made not in members or made is None or made.shape != value.shape))


def _cut(group: Sequence[Node]) -> Iterator[list[Node]]:
    part: list[Node] = []
    operands: set[Value] = set()
    for node in group:
        more = operands | {*node.inputs, *node.outputs}
        if part and (len(part) == MOST_NODES or len(more) > MOST_NODES + MOST_OPERANDS):
            yield part
            part, more = [], {*node.inputs, *node.outputs}
        part.append(node)
        operands = more
    yield part


def _fused(program: Program, groups: Sequence[Sequence[Node]]) -> Program:
    home = {node.outputs[0]: i for i, group in enumerate(groups) for node in group}
    makers = {value: node for node in program.nodes for value in node.outputs}
    joins: dict[int, list[Node]] = defaultdict(list)
    for node in program.nodes:
        owners = {home.get(value) for value in node.inputs}
        if len(owners) == 1 and (owner := owners.pop()) is not None and _joins_windows(node):
            joins[owner].append(node)
    absorbed = {id(node) for nodes in joins.values() for node in nodes}
    read = set(program.outputs)
    for node in program.nodes:
        own = home.get(node.outputs[0], -1) if node.outputs else -1
        if id(node) not in absorbed:
            read.update(value for value in node.inputs if home.get(value, own) != own)
    at = {id(group[-1]): i for i, group in enumerate(groups)}
    gone = {id(node) for group in groups for node in group} | absorbed
    nodes: list[Node] = []
    for node in program.nodes:
        if id(node) in at:
            i = at[id(node)]
            nodes.append(_composite(groups[i], joins[i], read, makers))
        elif id(node) not in gone:
            nodes.append(node)
    return Program(program.name, program.inputs, program.outputs, tuple(in_order(nodes, program.inputs)))


def is_window(node: Node | None) -> bool:
    """Whether a node takes a tensor apart along its last axis, which a composite does by itself."""
    return node is not None and node.op == "Split" and _is_last(node, node.inputs[0]) and _are_wide(node.outputs)


def _joins_windows(node: Node) -> bool:
    """Whether a node puts results side by side along their last axis."""
    wide = node.op == "Concat" and _is_last(node, node.outputs[0]) and _are_wide(node.inputs)
    return wide and len({value.shape for value in node.inputs}) == 1


def _is_last(node: Node, value: Value) -> bool:
    return value.dtype == "float32" and node.attributes["axis"] == value.type.rank - 1


def _are_wide(values: Sequence[Value]) -> bool:
    return all(isinstance(size, int) and size >= NARROWEST for size in (value.shape[-1] for value in values))


def _composite(group: Sequence[Node], joins: Sequence[Node], read: set[Value], makers: Mapping[Value, Node]) -> Node:
    made = {node.outputs[0] for node in group}
    given = list(dict.fromkeys(value for node in group for value in node.inputs if value not in made))
    windows, sources = _windows(given, group[0].outputs[0], makers)
    numbers = [value for value in sources if _is_number(makers.get(value))]
    leaves = [value for value in sources if value not in numbers]
    b = Builder(NAME)
    here = {leaf: b.input(leaf.type, leaf.name) for leaf in leaves}
    here.update((value, b.constant(makers[value].attributes["value"])) for value in numbers)
    for node in (*windows, *group, *joins):
        outputs = b.emit(node.op, [here[value] for value in node.inputs], node.attributes)
        here.update(zip(node.outputs, outputs, strict=True))
    results = [node.outputs[0] for node in group if node.outputs[0] in read]
    results += [node.outputs[0] for node in joins]
    body = b.finish([here[value] for value in results])
    return Node("Call", tuple(leaves), tuple(results), {"name": NAME, "body": body}, group[-1].scope)


def _windows(values: Sequence[Value], result: Value, makers: Mapping[Value, Node]) -> tuple[list[Node], list[Value]]:
    """The nodes that take apart what a composite reads parts of, and what it reads then."""
    nodes: dict[int, Node] = {}
    sources: dict[Value, None] = {}
    for value in values:
        chain: list[Node] = []
        while value.shape[-1:] and is_window(maker := makers.get(value)) and maker is not None:
            if not chain and value.shape != result.shape:
                break
            chain.append(maker)
            value = maker.inputs[0]
        nodes.update((id(node), node) for node in reversed(chain))
        sources[value] = None
    return list(nodes.values()), list(sources)


def _is_number(node: Node | None) -> bool:
    return node is not None and node.op == "Constant" and not node.outputs[0].shape
