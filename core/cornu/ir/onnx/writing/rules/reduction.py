"""Writing reductions, running totals and sorting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node

_AXES_AS_INPUT_SINCE = {"ReduceSum": 13}


@writes("ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin")
def _reduce(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    axes, keepdims = tuple(node.attributes["axes"]), int(node.attributes["keepdims"])
    if not axes:
        return inputs
    if w.opset >= _AXES_AS_INPUT_SINCE.get(node.op, 18):
        w.add(node.op, [*inputs, w.ints(axes)], outputs, keepdims=keepdims)
    else:
        w.add(node.op, inputs, outputs, axes=axes, keepdims=keepdims)
    return None


@writes("ArgMax", "ArgMin")
def _argument(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    w.add(node.op, inputs, outputs, axis=node.attributes["axis"], keepdims=int(node.attributes["keepdims"]))
    return None


@writes("CumSum", "CumProd")
def _cumulative(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    a = node.attributes
    axis = w.constant(np.asarray(a["axis"], np.int64))
    w.add(node.op, [*inputs, axis], outputs, exclusive=int(a["exclusive"]), reverse=int(a["reverse"]))
    return None


@writes("TopK")
def _top_k(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    a = node.attributes
    operands = [*inputs, w.sizes.vector((a["k"],))]
    w.add("TopK", operands, outputs, axis=a["axis"], largest=int(a["largest"]), sorted=int(a["sorted"]))
    return None
