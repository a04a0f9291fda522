"""Which composites are one standard operator. It is asked for each program, so nothing here imports `onnx`.

A composite that is differentiated has residuals as further outputs. It is one operator only where those are gone, or
are what the operator gives anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cornu.ir.onnx.writing.pairing import BOTH, OPERANDS
from cornu.ir.program import Node


class Expressible(NamedTuple):
    """When a composite is one operator: from which opset on, and for which nodes."""

    since: int
    fits: Callable[[Node], bool]


def is_one_operator(node: Node, opset: int) -> bool:
    """Whether a `Call` is one standard operator at an opset."""
    found = EXPRESSIBLE.get(node.attributes["name"])
    return found is not None and opset >= found.since and found.fits(node)


def _results(node: Node) -> int:
    """How many of a composite's outputs are results rather than residuals."""
    return int(node.attributes.get("primals") or len(node.outputs))


def _without_residuals(node: Node) -> bool:
    """True where nothing reads a residual."""
    return len(node.outputs) == _results(node)


def _residual_is_result(node: Node) -> bool:
    """True for Softmax, whose one residual, if it is there, is its result again."""
    return _results(node) == 1 and len(node.outputs) <= 2


def _normalizes_layer(node: Node) -> bool:
    # Its further outputs are float32, whatever the input is.
    return _without_residuals(node) or node.inputs[0].dtype == "float32"


def _one_summand(node: Node) -> bool:
    """True where logits are not capped, and only one summand hides keys: two very negative ones would overflow."""
    a, (query, _, _, *bias) = node.attributes, node.inputs
    plain = not a["soft_cap"] and query.dtype != "bfloat16" and _without_residuals(node)
    return plain and all(not a["is_causal"] and item.dtype == query.dtype and item.type.rank == 4 for item in bias)


def _is_unmasked(node: Node) -> bool:
    """True where nothing masks steps, and nothing reads residuals."""
    operands = OPERANDS[node.attributes["name"]]
    expected = operands if node.attributes["direction"] != BOTH else 2 * operands - 1
    return _without_residuals(node) and len(node.inputs) == expected


EXPRESSIBLE: dict[str, Expressible] = {
    "Softmax": Expressible(13, _residual_is_result),
    "LogSoftmax": Expressible(13, _residual_is_result),
    "Gelu": Expressible(20, _without_residuals),
    "LayerNormalization": Expressible(17, _normalizes_layer),
    "RMSNormalization": Expressible(23, _without_residuals),
    "BatchNormalization": Expressible(15, _without_residuals),
    "Attention": Expressible(23, _one_summand),
    "LSTM": Expressible(14, _is_unmasked),
    "GRU": Expressible(14, _is_unmasked),
    "RNN": Expressible(14, _is_unmasked),
}
