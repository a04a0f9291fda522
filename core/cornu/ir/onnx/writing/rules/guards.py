"""Keeping an operator from running on nothing, where runtimes fail on that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cornu.ir.dim import DimLike, at_least, product
from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node
from cornu.ir.types import numpy_dtype

Write = Callable[[GraphWriter, Sequence[str]], None]
"""`(writer, names for the outputs) -> None`"""


def guarded(
    w: GraphWriter, node: Node, outputs: Sequence[str], sizes: Sequence[DimLike], some: Write, none: Write
) -> None:
    """Writes `some`, or `none` where a size is 0: by an If where that is unknown and the model asks for it.

    Args:
        w: The writer.
        node: The node being written.
        outputs: Names for its outputs.
        sizes: What must not be 0.
        some: Writes the operator.
        none: Writes what its outputs are without it.
    """
    if any(isinstance(size, int) and size == 0 for size in sizes):
        none(w, outputs)
        return
    unknown = [size for size in sizes if not at_least(size, 1)]
    if not unknown or not w.model.guard_empty:
        some(w, outputs)
        return
    branches = []
    for name, write in (("some", some), ("none", none)):
        g = w.subgraph(name)
        results = [w.model.names.unique(f"{output} ({name})") for output in outputs]
        write(g, results)
        branches.append(g.proto([], g.declared(results, [value.type for value in node.outputs])))
    filled = w.new("Greater", w.sizes.scalar(product(unknown)), w.number(0, np.dtype(np.int64)))
    w.add("If", [filled], outputs, then_branch=branches[0], else_branch=branches[1])


def write_nothing(w: GraphWriter, node: Node, output: int, name: str) -> None:
    """Writes zeros of the type of one of a node's outputs."""
    value = node.outputs[output]
    if value.dtype == "bfloat16":  # runtimes expand few dtypes, but all cast
        zeros = w.new("Expand", w.number(0, np.dtype(np.float32)), w.sizes.vector(value.shape))
        w.add("Cast", [zeros], [name], to=ELEMENT_TYPES["bfloat16"])
        return
    w.add("Expand", [w.number(0, numpy_dtype(value.dtype)), w.sizes.vector(value.shape)], [name])
