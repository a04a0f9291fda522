"""What runs natively on the CPU provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu.ir.onnx.expressible import is_one_operator
from cornu.ir.program import Node, Program

from cornu_onnxruntime.kernels import COMPOSITES, KERNELS

_ANY_DTYPE = frozenset(
    {"Constant", "DimValue", "Identity", "StopGradient", "Cast", "Range", "Call", "If", "Scan", "While", "Barrier"}
)
_DATA_OPERAND = {"Where": 1}

OPSET = 21
"""The opset that models for ONNX Runtime are written at."""


def runs_natively(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> bool:
    """Whether a node runs as it is, and computes what the primitive means.

    Args:
        op: The primitive, or the name of a composite.
        dtypes: Its operands' dtypes (its results', where it has no operands).
        attributes: Its attributes.
    """
    if op in _ANY_DTYPE:
        return op != "Call"
    if isinstance(attributes.get("body"), Program) and "name" in attributes:
        return _composite_runs(op, dtypes, attributes)
    key = op
    if attributes.get("reduction", "none") != "none":
        key = f"{op}:{attributes['reduction']}"
    place = _DATA_OPERAND.get(op, 0)
    return len(dtypes) > place and dtypes[place] in KERNELS.get(key, ())


def _composite_runs(name: str, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> bool:
    if not dtypes or not COMPOSITES.get(name, frozenset()).issuperset(dtypes):
        return False
    body: Program = attributes["body"]
    return is_one_operator(Node("Call", body.inputs, body.outputs, attributes), OPSET)
