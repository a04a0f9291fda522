"""What OpenVINO computes as the primitives mean it, what the host computes, and what neither does.

All of it was measured on the CPU plugin; `tests/test_support.py` measures it again. OpenVINO computes with 32 bits:
64-bit integers and uint32 lose bits or their order, and float64 its precision. Of int32, sums, products of matrices
and quotients pass through float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any


class Place(Enum):
    """Who computes a node."""

    OPENVINO = "OpenVINO"
    HOST = "host"


SMALL = frozenset({"int8", "int16", "uint8", "uint16"})
WIDE = frozenset({"uint32", "int64", "uint64"})
"""Integers that OpenVINO holds in fewer bits, or with another sign."""

HALVES = frozenset({"float16", "bfloat16"})
HELD = frozenset({"bool", "int32", "float32"}) | SMALL | HALVES
"""The dtypes that OpenVINO holds as they are."""

MOVEMENT = frozenset(
    {"Identity", "StopGradient", "Reshape", "Transpose", "Expand", "Slice", "Pad", "Gather", "GatherElements"}
    | {"GatherND", "ScatterElements", "ScatterND", "Concat", "Split", "Tile", "Trilu", "Where"}
)
"""Operators that choose among elements: they are right in every dtype that OpenVINO holds."""

CONTROL = frozenset({"If", "Scan", "While"})
"""Operators with bodies: the host goes through the steps, and each body is a program of its own."""

_FLOAT32 = frozenset(
    {"Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Sin", "Cos", "Tan"}
    | {"Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh", "Erf", "Sigmoid", "Relu"}
    | {"IsNaN", "IsInf", "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Equal", "Less", "LessOrEqual", "Greater"}
    | {"GreaterOrEqual", "CumSum", "MatMul", "Conv", "ConvTranspose", "AveragePool", "MaxPool", "ReduceSum"}
    | {"ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin", "ArgMax", "ArgMin"}
)
_INT32 = frozenset(
    {"Neg", "Abs", "Sign", "Add", "Sub", "Mul", "Max", "Min", "Equal", "Less", "LessOrEqual", "Greater"}
    | {"GreaterOrEqual", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "CumSum", "ArgMax", "ArgMin", "TopK"}
)
_OPENVINO: dict[str, frozenset[str]] = {
    "float32": _FLOAT32,
    "int32": _INT32,
    "bool": frozenset({"And", "Or", "Xor", "Not", "Equal"}),
    **dict.fromkeys(SMALL, frozenset({"Equal", "Less", "Max", "Min"})),
    **dict.fromkeys(HALVES, frozenset()),
}
"""What runs on OpenVINO by the dtype of the first operand that holds data, besides movement and casts."""

_HOST_INT32 = frozenset({"Div", "Mod", "Pow", "MatMul", "CumProd", "ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"})
_HOST: dict[str, frozenset[str]] = {
    "float32": frozenset({"Mod", "TopK"}),
    "int32": _HOST_INT32,
    **dict.fromkeys(WIDE, MOVEMENT | _INT32 | _HOST_INT32 | {"BitShift", "RandomBits"}),
}
"""What the reference kernels compute instead."""

INDICES = {"Gather": 1, "GatherElements": 1, "GatherND": 1, "ScatterElements": 1, "ScatterND": 1}
"""The operand that holds indices; out of 32 bits there is nothing to index."""

_EXACT_IN_FLOAT32 = 2**24


def place(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> Place | None:
    """Who computes a node, as far as dtypes tell; None where nobody does.

    Args:
        op: The primitive, or the name of a composite (which nobody computes: it is inlined).
        dtypes: Its operands' dtypes; its results' where it has no operands.
        attributes: Its attributes.
    """
    if op in CONTROL or op in ("Barrier", "Constant", "DimValue", "Range"):
        return Place.HOST
    if "name" in attributes and "body" in attributes:
        return None
    if op == "Cast":
        return _place_of_cast(dtypes[0], attributes["to"])
    dtype = _data_dtype(op, dtypes)
    if op in MOVEMENT and dtype in HELD:
        return _place_of_movement(op, dtype, attributes)
    if op in _OPENVINO.get(dtype, ()):
        return Place.OPENVINO
    return Place.HOST if op in _HOST.get(dtype, ()) else None


def _data_dtype(op: str, dtypes: Sequence[str]) -> str:
    position = 1 if op == "Where" else 0
    return dtypes[position] if len(dtypes) > position else ""


def _place_of_cast(source: str, target: str) -> Place | None:
    if source in HELD and target in HELD:
        return Place.OPENVINO
    # What has at most 32 bits and a sign is an int64 that OpenVINO can hold.
    if target == "int64" and source in HELD - HALVES - {"float32"}:
        return Place.OPENVINO
    return Place.HOST


def _place_of_movement(op: str, dtype: str, attributes: Mapping[str, Any]) -> Place | None:
    combines = attributes.get("reduction", "none") != "none"
    if combines and dtype not in ("float32", "int32"):
        return None
    if op == "Pad" and dtype == "bool":
        return None
    if op == "Pad" and dtype == "int32" and abs(attributes["value"]) > _EXACT_IN_FLOAT32:
        return Place.HOST
    return Place.OPENVINO
