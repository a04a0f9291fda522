"""Running a program for fixed sizes: what is known beforehand is computed once, values are freed after their last use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from cornu.backend.contract import BackendError
from cornu.ir.interpret import BoundBody
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value, bind_attribute

Frame = list[Any]
Step = Callable[[Frame], None]


class Plan:
    """The steps of a program with every size known.

    Args:
        program: The program.
        sizes: The value of each of its symbols.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        slots: dict[Value, int] = {}
        for value in program.inputs:
            slots.setdefault(value, len(slots))
        for node in program.nodes:
            for value in node.outputs:
                slots[value] = len(slots)
        self.size = len(slots)
        last = {value: i for i, node in enumerate(program.nodes) for value in (*node.inputs, *node.outputs)}
        for value in program.outputs:
            last.pop(value, None)
        dying: list[list[int]] = [[] for _ in program.nodes]
        for value, i in last.items():
            dying[i].append(slots[value])
        self.steps = [_step(node, sizes, slots, dead) for node, dead in zip(program.nodes, dying, strict=True)]
        self.nodes = program.nodes
        self.outputs = [slots[value] for value in program.outputs]

    def run(self, inputs: Sequence[np.ndarray], donate: frozenset[int]) -> list[np.ndarray]:
        """Runs the steps."""
        frame: Frame = [*inputs, *[None] * (self.size - len(inputs))]
        i = 0
        try:
            with np.errstate(all="ignore"):
                for i, step in enumerate(self.steps):
                    step(frame)
        except BackendError:
            raise
        except Exception as error:
            node = self.nodes[i]
            raise BackendError(f"{type(error).__name__}: {error}", node.op, node.scope) from error
        return [np.array(frame[slot]) for slot in self.outputs]


def _step(node: Node, sizes: Mapping[str, int], slots: Mapping[Value, int], dead: list[int]) -> Step:
    attributes = {name: bind_attribute(value, sizes, _bind_body) for name, value in node.attributes.items()}
    kernel = partial(lookup(node.op).kernel, **attributes)
    inputs = [slots[value] for value in node.inputs]
    outputs = [slots[value] for value in node.outputs]

    def step(frame: Frame) -> None:
        results = kernel(*[frame[i] for i in inputs])
        if not isinstance(results, (tuple, list)):
            results = (results,)
        for i, result in zip(outputs, results, strict=True):
            frame[i] = np.asarray(result)
        for i in dead:
            frame[i] = None

    return step


def _bind_body(body: Program, sizes: Mapping[str, int]) -> BoundBody:
    plan = Plan(body, sizes)
    return BoundBody(body, sizes, lambda program, arrays, given: plan.run(arrays, frozenset()))
