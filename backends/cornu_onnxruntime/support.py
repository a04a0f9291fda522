"""What runs natively on the CPU provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu_onnxruntime.kernels import KERNELS

_ANY_DTYPE = frozenset(
    {"Constant", "DimValue", "Identity", "StopGradient", "Cast", "Range", "Call", "If", "Scan", "While", "Barrier"}
)
_DATA_OPERAND = {"Where": 1}


def runs_natively(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> bool:
    """Whether a node runs as it is, and computes what the primitive means.

    Args:
        op: The primitive, or the name of a composite.
        dtypes: Its operands' dtypes (its results', where it has no operands).
        attributes: Its attributes.
    """
    if op in _ANY_DTYPE:
        return op != "Call"
    key = op
    if attributes.get("reduction", "none") != "none":
        key = f"{op}:{attributes['reduction']}"
    place = _DATA_OPERAND.get(op, 0)
    return len(dtypes) > place and dtypes[place] in KERNELS.get(key, ())
