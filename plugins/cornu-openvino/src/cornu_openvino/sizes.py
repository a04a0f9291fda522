"""Programs with numbers in the place of symbols, and what is known of their values then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value, bind_attribute
from cornu.ir.types import TensorType

_FOLDED = 1 << 12
"""The size in bytes up to which a result that depends on nothing is computed beforehand."""


@dataclass(frozen=True)
class SizedProgram:
    """A program of fixed sizes, without constants, identities and what could be computed beforehand.

    Args:
        inputs: Its inputs.
        outputs: Its outputs: inputs, constants, or what the nodes define.
        nodes: What is left to compute, in order; their bodies are sized, too.
        constants: The values that are known.
    """

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[Value, np.ndarray]


def with_sizes(program: Program, sizes: Mapping[str, int]) -> SizedProgram:
    """Puts numbers in the place of symbols and computes what depends on nothing else.

    Args:
        program: The program.
        sizes: A number for each symbol.
    """
    return _Sizing(sizes).run(program)


class _Sizing:
    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.values: dict[Value, Value] = {}
        self.constants: dict[Value, np.ndarray] = {}
        self.nodes: list[Node] = []

    def run(self, program: Program) -> SizedProgram:
        inputs = tuple(map(self.new, program.inputs))
        for node in program.nodes:
            self.add(node)
        outputs = tuple(self.values[value] for value in program.outputs)
        used = {value for node in self.nodes for value in node.inputs}.union(outputs)
        constants = {value: array for value, array in self.constants.items() if value in used}
        return SizedProgram(inputs, outputs, tuple(self.nodes), constants)

    def new(self, value: Value) -> Value:
        shape = bind_attribute(value.shape, self.sizes, _sized_body)
        self.values[value] = Value(TensorType(value.dtype, shape), value.name)
        return self.values[value]

    def add(self, node: Node) -> None:
        inputs = tuple(self.values[value] for value in node.inputs)
        if node.op in ("Identity", "StopGradient"):
            self.values[node.outputs[0]] = inputs[0]
            return
        attributes = {name: bind_attribute(value, self.sizes, _sized_body) for name, value in node.attributes.items()}
        outputs = tuple(map(self.new, node.outputs))
        if node.op == "Constant":
            self.constants[outputs[0]] = attributes["value"]
        elif self.is_known(node, inputs, outputs):
            self.constants.update(zip(outputs, self.computed(node, inputs, attributes), strict=True))
        else:
            self.nodes.append(Node(node.op, inputs, outputs, attributes, node.scope))

    def is_known(self, node: Node, inputs: Sequence[Value], outputs: Sequence[Value]) -> bool:
        """Whether a node is computed here and now: the reference kernels round as they should, OpenVINO may not."""
        if node.op in ("DimValue", "Range"):
            return True
        if node.bodies or node.op == "Barrier" or not all(value in self.constants for value in inputs):
            return False
        return sum(array.nbytes for array in (self.constants[value] for value in inputs)) <= _FOLDED and all(
            value.type.size * 8 <= _FOLDED for value in outputs
        )

    def computed(self, node: Node, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            results = lookup(node.op).kernel(*[self.constants[value] for value in inputs], **attributes)
        return [np.asarray(result) for result in (results if isinstance(results, list | tuple) else [results])]


def _sized_body(body: Program, sizes: Mapping[str, int]) -> Program:
    """A body with numbers in the place of symbols; as it is, if it has others than the program around it."""
    if not sizes.keys() >= set(body.symbols):
        return body
    sized = with_sizes(body, sizes)
    known = tuple(Node("Constant", (), (value,), {"value": array}) for value, array in sized.constants.items())
    return Program(body.name, sized.inputs, sized.outputs, known + sized.nodes)


def by_depth(program: Program) -> Program:
    """The same nodes, each behind all that are nearer to the inputs.

    OpenVINO puts nodes in an order of its own. But where updates of weights come early, one of its fusions makes a loop
    of a program that has none (version 2026.4: "Loop detected during topological sort").
    """
    depths = dict.fromkeys(program.inputs, 0)
    levels = []
    for node in program.nodes:
        level = 1 + max((depths.get(value, 0) for value in node.inputs), default=0)
        depths.update(dict.fromkeys(node.outputs, level))
        levels.append(level)
    order = sorted(range(len(levels)), key=levels.__getitem__)
    return Program(program.name, program.inputs, program.outputs, tuple(program.nodes[i] for i in order))
