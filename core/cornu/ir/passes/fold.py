"""Computing at once what does not depend on inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.ir.dim import Dim
from cornu.ir.interpret import bind_body
from cornu.ir.passes.rewriting import with_bodies
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value, bind_attribute
from cornu.ir.types import numpy_dtype

SMALL = 1 << 16
"""Bytes that a folded result may always have; a larger one must not be larger than what it is made of."""

SMALL_REPEATED = 256
"""Bytes that repeated elements (Expand, Tile) may be folded to: broadcasting them is cheaper than reading them."""

_REPEATING = ("Expand", "Tile")
_SMALL_ONLY = ("RandomBits",)
_SAME_ELEMENTS = ("Cast", "Concat", "Reshape", "Slice", "Split", "Transpose")
"""Operators after which a weight, or a part of it, is still that weight, and keeps its name."""


def fold(program: Program) -> Program:
    """Replaces nodes whose operands are all constants, and sizes that are known, by constants.

    The reference kernels compute them. Barriers stay, and so does what would make the program much larger.

    Args:
        program: The program.

    Returns:
        The program with fewer computations; the same object where there was nothing to fold.

    Example:
        >>> fold(program)
    """
    known: dict[Value, np.ndarray] = {}
    nodes: list[Node] = []
    changed = False
    for node in program.nodes:
        inner = with_bodies(node, fold)
        arrays = _fold_node(inner, known)
        if arrays is None:
            changed |= inner is not node
            nodes.append(inner)
            if inner.op == "Constant":
                known[inner.outputs[0]] = inner.attributes["value"]
            continue
        changed = True
        if inner.op in _SAME_ELEMENTS and len({value.name for value in inner.inputs}) == 1:
            for value in node.outputs:
                value.name = value.name or inner.inputs[0].name
        for value, array in zip(node.outputs, arrays, strict=True):
            known[value] = array
            nodes.append(Node("Constant", (), (value,), {"value": array}, node.scope))
    return Program(program.name, program.inputs, program.outputs, tuple(nodes)) if changed else program


def _fold_node(node: Node, known: dict[Value, np.ndarray]) -> list[np.ndarray] | None:
    if node.op == "Constant" or not all(value in known for value in node.inputs):
        return None
    primitive = lookup(node.op)
    if not primitive.pure or any(_symbolic(attribute) for attribute in node.attributes.values()):
        return None
    operands = [known[value] for value in node.inputs]
    if not _worthwhile(node, operands):
        return None
    attributes = {name: bind_attribute(value, {}, bind_body) for name, value in node.attributes.items()}
    try:
        with np.errstate(all="ignore"):
            results = primitive.kernel(*operands, **attributes)
    except (ArithmeticError, ValueError, IndexError):
        return None  # it fails when the program runs, and is told there with its place
    results = results if isinstance(results, (tuple, list)) else (results,)
    return [np.ascontiguousarray(result).reshape(np.shape(result)) for result in results]


def _symbolic(attribute: Any) -> bool:
    if isinstance(attribute, Dim):
        return True
    if isinstance(attribute, tuple):
        return any(map(_symbolic, attribute))
    if isinstance(attribute, Program):
        return any(_unfoldable(node) for node in attribute.walk())
    return False


def _unfoldable(node: Node) -> bool:
    return not lookup(node.op).pure or any(
        _symbolic(attribute) for attribute in node.attributes.values() if not isinstance(attribute, Program)
    )


def _worthwhile(node: Node, operands: list[np.ndarray]) -> bool:
    size = 0
    for value in node.outputs:
        elements = value.type.size
        if not isinstance(elements, int):
            return False
        size += elements * numpy_dtype(value.dtype).itemsize
    if node.op in _REPEATING:
        return size <= max(SMALL_REPEATED, sum(array.nbytes for array in operands))
    if node.op in _SMALL_ONLY:
        return size <= SMALL
    return size <= max(SMALL, sum(array.nbytes for array in operands))
