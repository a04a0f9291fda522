"""Dtype promotion: what an operation on several dtypes computes in, as Keras has it on JAX.

Types form a lattice in which Python's numbers are weak: `int8 + 2` stays int8, `float16 * 2.0` stays float16, and an
integer with a float is that float. The result of a promotion is the least type above all operands; but 64 bits come
only of 64 bits: int32 with uint32 is int32.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from cornu.backend.config import floatx
from cornu.ir.dim import Dim
from cornu.ir.types import is_float, is_integer
from cornu.utils.dtypes import resolve_dtype

# What lies directly above each type; "int" and "float" are Python's own numbers.
_ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}


@cache
def _closure(dtype: str) -> frozenset[str]:
    return frozenset({dtype}).union(*(_closure(above) for above in _ABOVE[dtype]))


@cache
def _join(dtypes: frozenset[str]) -> str:
    above = frozenset.intersection(*(_closure(dtype) for dtype in dtypes))
    least = next(dtype for dtype in above if above <= _closure(dtype))
    return "int32" if least == "int64" and not any(dtype.endswith("64") for dtype in dtypes) else least


def kind_of(x: Any) -> str:
    """The lattice's name for an operand: a dtype, or "int" or "float" for Python's numbers and for sizes."""
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, (int, Dim)):
        return "int"
    if isinstance(x, float):
        return "float"
    return str(x.dtype)


def result_type(*operands: Any) -> str:
    """The dtype in which an operation on these operands computes.

    Args:
        operands: Tensors, Python numbers, or dtypes' names; `int` and `float` are Python's numbers.

    Raises:
        TypeError: If a name is not a dtype's.

    Example:
        >>> result_type("int8", "uint8"), result_type("int64", "float16"), result_type("int8", int)
        ('int16', 'float16', 'int8')
    """
    return _settle(_join(frozenset(_name(operand) for operand in operands)))


def _name(operand: Any) -> str:
    if operand is int or operand is float:
        return str(operand.__name__)
    if isinstance(operand, str):
        return operand if operand in _ABOVE else resolve_dtype(operand)
    return kind_of(operand)


def _settle(dtype: str) -> str:
    return floatx() if dtype == "float" else "int32" if dtype == "int" else dtype


def float_type(*operands: Any) -> str:
    """Like `result_type`, with the configured float type in the place of integers: what `exp` or a division gives."""
    dtype = _join(frozenset(_name(operand) for operand in operands))
    return floatx() if dtype in ("bool", "int", "float") or is_integer(dtype) else dtype


def sum_type(dtype: str) -> str:
    """What sums and products of a dtype are accumulated in: small integers become 32 bits wide."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


def at_least_int32(dtype: str) -> str:
    """int32 for bool, which has no arithmetic."""
    return "int32" if dtype == "bool" else dtype


def require_float(dtype: str, what: str) -> None:
    """Checks that a dtype is a floating-point one.

    Raises:
        TypeError: If not.
    """
    if not is_float(dtype):
        raise TypeError(f"{what} takes a floating-point tensor, got {dtype}.")
