"""Constants that are arguments of an executable, and not written into it."""

from __future__ import annotations

import numpy as np
from cornu.ir.program import Node, Program
from cornu.ir.types import is_float

_LARGE = 4096
"""From how many bytes on XLA would only take long over a constant."""


def lift_constants(program: Program) -> tuple[Program, list[np.ndarray]]:
    """A program with further inputs for its weights, and the arrays to be given there.

    Weights are large constants, and all floats but scalars: programs that differ in their weights only are then one
    program. Those in bodies stay, where they are rare.

    Args:
        program: The program.
    """
    lifted = [node for node in program.nodes if node.op == "Constant" and _is_weight(node)]
    if not lifted:
        return program, []
    inputs = (*program.inputs, *(node.outputs[0] for node in lifted))
    gone = set(map(id, lifted))
    nodes = tuple(node for node in program.nodes if id(node) not in gone)
    return Program(program.name, inputs, program.outputs, nodes), [node.attributes["value"] for node in lifted]


def _is_weight(node: Node) -> bool:
    array: np.ndarray = node.attributes["value"]
    return array.nbytes >= _LARGE or (is_float(node.outputs[0].dtype) and array.size > 1)
