"""What the ONNX standard says of an operator at an opset."""

from __future__ import annotations

from functools import cache

import onnx

from cornu.ir.program import Node
from cornu.ir.types import DTYPES

_TYPE_STRINGS = {f"tensor({ {'float32': 'float', 'float64': 'double'}.get(name, name) })": name for name in DTYPES}

OLDEST_OPSET = 17
DEFAULT_OPSET = 21


def newest_opset() -> int:
    """The newest opset of the installed onnx package."""
    return int(onnx.defs.onnx_opset_version())


_INDEXED = ("GatherND", "ScatterND")


@cache
def input_dtypes(op: str, opset: int) -> tuple[frozenset[str], ...] | None:
    """The dtypes that each input of an operator may have, or None where the opset lacks it."""
    try:
        schema = onnx.defs.get_schema(op, opset, "")
    except onnx.defs.SchemaError:
        return None
    return tuple(
        frozenset(_TYPE_STRINGS[text] for text in parameter.types if text in _TYPE_STRINGS)
        for parameter in schema.inputs
    )


def widened_dtype(node: Node, opset: int) -> str | None:
    """What a node must compute in because the standard's operator of that name lacks its dtype.

    None where it lacks nothing, and `""` where no wider dtype will do.
    """
    allowed = input_dtypes(node.op, opset)
    if not allowed or not node.inputs:
        return None
    for i, value in enumerate(node.inputs):
        if node.op in _INDEXED and i == 1:
            continue
        dtypes = allowed[min(i, len(allowed) - 1)]
        if dtypes and value.dtype not in dtypes:
            return next((wide for wide in _WIDER.get(value.dtype, ()) if wide in dtypes), "")
    return None


_WIDER = {
    "bool": ("uint8", "int32"),
    "int8": ("int32", "int64"),
    "int16": ("int32", "int64"),
    "int32": ("int64",),
    "uint8": ("uint32", "int32", "uint64", "int64"),
    "uint16": ("uint32", "int32", "uint64", "int64"),
    "uint32": ("uint64", "int64"),
    "float16": ("float32",),
    "bfloat16": ("float32",),
    "float32": ("float64",),
}
