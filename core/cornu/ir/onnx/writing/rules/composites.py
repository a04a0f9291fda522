"""Writing composites as the one standard operator that each of them is.

A composite that is differentiated has residuals as further outputs. It is one operator only where those are gone, or
are what the operator gives anyway.
"""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.registry import writes_call
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node

_FLOAT = ELEMENT_TYPES["float32"]


def results_of(node: Node) -> int:
    """How many of a composite's outputs are results rather than residuals."""
    return int(node.attributes.get("primals") or len(node.outputs))


def without_residuals(node: Node) -> bool:
    """True where nothing reads a residual."""
    return len(node.outputs) == results_of(node)


def _residual_is_result(node: Node) -> bool:
    """True for Softmax, whose one residual, if it is there, is its result again."""
    return results_of(node) == 1 and len(node.outputs) <= 2


@writes_call("Softmax", since=13, fits=_residual_is_result)
@writes_call("LogSoftmax", since=13, fits=_residual_is_result)
def _softmax(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    w.add(node.attributes["name"], inputs, outputs[:1], axis=node.attributes["axis"])
    return [outputs[0]] * len(outputs)


@writes_call("Gelu", since=20, fits=without_residuals)
def _gelu(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    approximate = node.attributes["approximate"]
    w.add("Gelu", inputs, outputs, approximate=None if approximate == "none" else approximate)
    return None


def _normalizes_layer(node: Node) -> bool:
    # Its further outputs are float32, whatever the input is.
    return without_residuals(node) or node.inputs[0].dtype == "float32"


@writes_call("LayerNormalization", since=17, fits=_normalizes_layer)
@writes_call("RMSNormalization", since=23, fits=without_residuals)
def _last_axes_normalization(
    w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]
) -> Sequence[str] | None:
    a = node.attributes
    w.add(a["name"], inputs, outputs, axis=a["axis"], epsilon=float(a["epsilon"]))
    return None


@writes_call("BatchNormalization", since=15, fits=without_residuals)
def _batch_normalization(
    w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]
) -> Sequence[str] | None:
    w.add("BatchNormalization", inputs, outputs, epsilon=float(node.attributes["epsilon"]))
    return None


def _one_summand(node: Node) -> bool:
    """True where logits are not capped, and only one summand hides keys: two very negative ones would overflow."""
    a, (query, _, _, *bias) = node.attributes, node.inputs
    plain = not a["soft_cap"] and query.dtype != "bfloat16" and without_residuals(node)
    return plain and all(not a["is_causal"] and item.dtype == query.dtype and item.type.rank == 4 for item in bias)


@writes_call("Attention", since=23, fits=_one_summand)
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
