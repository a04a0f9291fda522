"""Writing composites as the one standard operator that each of them is, where `expressible` says so."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.registry import writes_call
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node

_FLOAT = ELEMENT_TYPES["float32"]


@writes_call("Softmax")
@writes_call("LogSoftmax")
def _softmax(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    w.add(node.attributes["name"], inputs, outputs[:1], axis=node.attributes["axis"])
    return [outputs[0]] * len(outputs)


@writes_call("Gelu")
def _gelu(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    approximate = node.attributes["approximate"]
    w.add("Gelu", inputs, outputs, approximate=None if approximate == "none" else approximate)
    return None


@writes_call("LayerNormalization")
@writes_call("RMSNormalization")
def _last_axes_normalization(
    w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]
) -> Sequence[str] | None:
    a = node.attributes
    w.add(a["name"], inputs, outputs, axis=a["axis"], epsilon=float(a["epsilon"]))
    return None


@writes_call("BatchNormalization")
def _batch_normalization(
    w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]
) -> Sequence[str] | None:
    w.add("BatchNormalization", inputs, outputs, epsilon=float(node.attributes["epsilon"]))
    return None


@writes_call("Attention")
def _attention(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    a, (query, key, _, *bias) = node.attributes, node.inputs
    given = list(inputs)
    pairs = (query.shape[2], key.shape[2])
    if bias and bias[0].shape[2:] != pairs:
        # ONNX Runtime lets a mask broadcast over the batch and the heads only.
        given[3] = w.new("Expand", inputs[3], w.sizes.vector((*bias[0].shape[:2], *pairs)))
    precision = _FLOAT if query.dtype == "float16" else None
    w.add(
        "Attention", given, outputs, scale=float(a["scale"]), is_causal=int(a["is_causal"]), softmax_precision=precision
    )
    return None
