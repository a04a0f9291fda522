"""What the passes share: walking a program once from front to back while its successor is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value
from cornu.ir.shapes import SizeConflictError
from cornu.ir.types import Shape

Rule = Callable[["Rewriter", Node], Value | tuple[Value, ...] | None]
"""Returns what replaces a node's output (or outputs), or None where the rule does not apply."""

ProgramPass = Callable[[Program], Program]

_FEW = 64
"""Elements of a constant that are looked at to see whether they are all the same."""


class Rewriter:
    """Builds a program's successor; nodes that a rule simplifies do not come into it.

    Args:
        program: The program to rewrite.
        rules: Rules by operator; they are tried in order, on the program's nodes and on those that rules add.
    """

    def __init__(self, program: Program, rules: Mapping[str, Sequence[Rule]] | None = None) -> None:
        self.program = program
        self.rules = rules or {}
        self.builder = Builder(program.name)
        self.builder.inputs.extend(program.inputs)
        for value in program.inputs:
            self.builder.adopt(value)
        self.producers: dict[Value, Node] = {}
        self.replaced: dict[Value, Value] = {}
        self.uses = count_uses(program)
        self.changed = False
        self._scope = ""

    # -- reading ---------------------------------------------------------------------------------------------------

    def producer(self, value: Value, *ops: str) -> Node | None:
        """The node that makes `value`, if its operator is one of `ops`."""
        node = self.producers.get(value)
        return node if node is not None and (not ops or node.op in ops) else None

    def constant(self, value: Value) -> np.ndarray | None:
        """The array that `value` is known to be."""
        node = self.producer(value, "Constant")
        return None if node is None else node.attributes["value"]

    def scalar(self, value: Value) -> Any | None:
        """The number that every element of `value` is known to be; weights, which have names, may come to be others."""
        while (node := self.producer(value, "Expand", "Reshape")) is not None:
            value = node.inputs[0]
        array = self.constant(value)
        if array is None or (value.name and array.ndim) or not 1 <= array.size <= _FEW:
            return None
        first = array.ravel()[0]
        return first if array.size == 1 or bool((array == first).all()) else None

    def used_once(self, value: Value) -> bool:
        """True where at most one node or output reads `value` (values that rules made count as such)."""
        return self.uses[value] <= 1

    # -- writing ---------------------------------------------------------------------------------------------------

    def mapped(self, node: Node) -> Node:
        """The node with its inputs replaced by their successors."""
        if self.replaced.keys().isdisjoint(node.inputs):
            return node
        inputs = tuple([self.replaced.get(value, value) for value in node.inputs])
        return Node(node.op, inputs, node.outputs, node.attributes, node.scope)

    def place(self, node: Node) -> None:
        """Adds a node of the old program, or what rules make of it."""
        node = self.mapped(node)
        self._scope = node.scope
        found = self._apply_rules(node)
        if found is None:
            self.append(node)
        else:
            for old, new in zip(node.outputs, found, strict=True):
                self.replace(old, new)

    def replace(self, old: Value, new: Value) -> None:
        """Lets everything that reads `old` read `new` from here on."""
        self.replaced[old] = new
        self.uses[new] += self.uses[old]
        self.changed = True

    def append(self, node: Node) -> None:
        """Adds a node as it is."""
        for value in node.outputs:
            self.builder.adopt(value)
            self.producers[value] = node
        self.builder.nodes.append(node)

    def emit(self, op: str, *inputs: Value, **attributes: Any) -> Value:
        """Adds a node with one output, or what rules make of it."""
        (result,) = self.emit_all(op, *inputs, **attributes)
        return result

    def emit_all(self, op: str, *inputs: Value, **attributes: Any) -> tuple[Value, ...]:
        """Adds a node, or what rules make of it."""
        inferred = lookup(op).infer(*[value.type for value in inputs], **attributes)
        types = inferred if isinstance(inferred, tuple) else (inferred,)
        node = Node(op, inputs, tuple(Value(type) for type in types), attributes, self._scope)
        found = self._apply_rules(node)
        if found is not None:
            return found
        self.append(node)
        return node.outputs

    def number(self, value: Any, dtype: str) -> Value:
        """A constant scalar."""
        before = len(self.builder.nodes)
        result = self.builder.constant(value, dtype)
        for node in self.builder.nodes[before:]:
            self.producers[node.outputs[0]] = node
        return result

    def reshape(self, value: Value, shape: Shape) -> Value:
        """`value` in another shape."""
        return value if value.shape == tuple(shape) else self.emit("Reshape", value, shape=tuple(shape))

    def expand(self, value: Value, shape: Shape) -> Value:
        """`value` broadcast to a shape."""
        return value if value.shape == tuple(shape) else self.emit("Expand", value, shape=tuple(shape))

    def finish(self) -> Program:
        """The new program: the old one where nothing was changed."""
        if not self.changed:
            return self.program
        outputs = tuple(self.replaced.get(value, value) for value in self.program.outputs)
        return Program(self.program.name, self.program.inputs, outputs, tuple(self.builder.nodes))

    def _apply_rules(self, node: Node) -> tuple[Value, ...] | None:
        for rule in self.rules.get(node.op, ()):
            try:
                found = rule(self, node)
            except SizeConflictError:  # sizes that are equal only by what another node demands: leave the node alone
                continue
            if found is None:
                continue
            values = found if isinstance(found, tuple) else (found,)
            if [value.type for value in values] == [value.type for value in node.outputs]:
                return values
        return None


def count_uses(program: Program) -> Counter[Value]:
    """How many times each value is read by nodes or returned."""
    return Counter(chain(program.outputs, chain.from_iterable(node.inputs for node in program.nodes)))


def with_bodies(node: Node, change: ProgramPass) -> Node:
    """The node with `change` applied to its sub-programs; the node itself where they stay the same."""
    if not node.bodies:
        return node
    changed = {name: new for name, body in node.bodies.items() if (new := change(body)) is not body}
    if not changed:
        return node
    return Node(node.op, node.inputs, node.outputs, {**node.attributes, **changed}, node.scope)


def once_per_program(change: ProgramPass) -> ProgramPass:
    """`change`, computed once for a sub-program that several nodes share."""
    results: dict[int, tuple[Program, Program]] = {}

    def run(program: Program) -> Program:
        if id(program) not in results:
            results[id(program)] = (program, change(program))  # kept alive, so that its id stays its own
        return results[id(program)][1]

    return run


def rewrite(program: Program, rules: Mapping[str, Sequence[Rule]]) -> Program:
    """Applies rules to every node of a program and of its sub-programs."""

    def change(part: Program) -> Program:
        rewriter = Rewriter(part, rules)
        for node in part.nodes:
            inner = with_bodies(node, rewrite_body)
            rewriter.changed |= inner is not node
            rewriter.place(inner)
        return rewriter.finish()

    rewrite_body = once_per_program(change)
    with np.errstate(all="ignore"):  # constants overflow and wrap in rules as they do when the program runs
        return change(program)
