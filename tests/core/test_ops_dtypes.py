"""Dtypes of results against what real Keras on JAX was recorded to give (tests/keras/record_ops_dtypes.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cornu import KerasTensor, ops, use_backend
from cornu.ops.dtypes import float_type, result_type

TABLE = json.loads((Path(__file__).parents[1] / "keras" / "ops_dtypes.json").read_text())
DTYPES = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "bfloat16", "float32")
OPERANDS = (*DTYPES, "int", "float")
PYTHON: dict[str, Any] = {"int": int, "float": float}


def expected(groups: dict[str, str], operands: str, plain: str) -> str:
    return next((dtype for dtype, members in groups.items() if operands in members.split()), plain)


def operand(dtype: str) -> Any:
    return {"int": 2, "float": 2.0}[dtype] if dtype in PYTHON else KerasTensor((3, 3), dtype)


def call(name: str, *operands: Any) -> Any:
    if name == "top_k":
        return ops.top_k(*operands, 1)
    if name == "where2":
        return ops.where(True, *operands)
    if name == "linspace2":
        return ops.linspace(*operands, 3)
    if name == "correlate":
        return ops.correlate(*(ops.ravel(x) if hasattr(x, "dtype") else x for x in operands))
    return getattr(ops, name)(*operands)


def dtype_of(result: Any) -> str:
    if isinstance(result, (tuple, list)):
        return ",".join(dtype_of(item) for item in result)
    return str(result.dtype) if hasattr(result, "dtype") else type(result).__name__


# Keras makes a float32 tensor of a Python number before it promotes here (and takes none in `correlate`).
STRONG = ("arctan2", "correlate", "logaddexp", "logaddexp2")
NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32"}


@pytest.mark.parametrize("pair", sorted(TABLE["result_type"]))
def test_result_type(pair: str) -> None:
    """Keras cuts every result to 32 bits; here a 64-bit operand keeps its width, and nothing else becomes so wide."""
    found = result_type(*(PYTHON.get(name, name) for name in pair.split(",")))
    assert NARROW.get(found, found) == TABLE["result_type"][pair]
    assert "64" in pair or found not in NARROW


def test_64_bits_stay() -> None:
    assert result_type("float64", "float32") == "float64"
    assert result_type("int64", "uint8", int) == "int64"
    assert result_type("float64", float) == "float64"


@pytest.mark.parametrize("name", sorted(TABLE["unary"]))
def test_unary(name: str) -> None:
    for dtype in DTYPES:
        wanted = expected(TABLE["unary"][name], dtype, dtype)
        if wanted != "error":
            assert dtype_of(call(name, operand(dtype))) == wanted, dtype


@pytest.mark.parametrize("name", sorted(TABLE["binary"]))
def test_binary(name: str) -> None:
    for left in OPERANDS:
        for right in OPERANDS:
            pair = f"{left},{right}"
            if {left, right} <= set(PYTHON) or (name in STRONG and {left, right} & set(PYTHON)):
                continue
            wanted = expected(TABLE["binary"][name], pair, TABLE["result_type"][pair])
            if wanted != "error":
                assert dtype_of(call(name, operand(left), operand(right))) == wanted, pair


@pytest.mark.parametrize("name", ["sigmoid", "silu", "rsqrt", "erf"])
def test_what_takes_floats_only_refuses_integers(name: str) -> None:
    with pytest.raises(TypeError, match="floating-point"):
        getattr(ops, name)(KerasTensor((3,), "int32"))


def test_float_type_of_integers_is_the_configured_one() -> None:
    assert float_type("int64", "int8") == "float32"
    assert float_type("int64", "float64") == "float64"
    assert float_type("bool", float) == "float32"


def test_python_numbers_never_make_float64() -> None:
    with use_backend("numpy"):
        half = ops.convert_to_tensor(np.ones(2, np.float16))
        assert (half * 2.5).dtype == "float16"
        assert (half * np.float64(2.5)).dtype == "float16"  # a NumPy scalar of Python's own float type
        assert ops.convert_to_tensor(2.5).dtype == "float32"
        assert ops.convert_to_tensor([1, 2]).dtype == "int32"
        assert (ops.convert_to_tensor([1, 2]) / 2).dtype == "float32"
