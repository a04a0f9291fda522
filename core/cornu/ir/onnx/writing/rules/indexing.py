"""Writing operators that read and write at indices."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node


@writes("ScatterElements", "ScatterND")
def _scatter(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    attributes = {name: value for name, value in node.attributes.items() if name != "reduction"}
    reduction = node.attributes["reduction"]
    if reduction in ("max", "min") and w.opset < 18:
        raise ValueError(f"{node.op} with the reduction {reduction!r} needs ONNX opset 18, not {w.opset}.")
    if node.op == "ScatterND":
        inputs = [inputs[0], _as_int64(w, node, inputs[1]), inputs[2]]
    w.add(node.op, inputs, outputs, **attributes, reduction=None if reduction == "none" else reduction)
    return None


@writes("GatherND")
def _gather_nd(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    w.add("GatherND", [inputs[0], _as_int64(w, node, inputs[1])], outputs)
    return None


def _as_int64(w: GraphWriter, node: Node, indices: str) -> str:
    """The indices in the only dtype that ONNX takes them in."""
    return indices if node.inputs[1].dtype == "int64" else w.new("Cast", indices, to=ELEMENT_TYPES["int64"])
