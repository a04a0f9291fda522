"""Cases in the dtypes that a primitive takes and its own cases leave out: small whole numbers, by the same formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from cornu.ir.types import DTYPES, numpy_dtype

from cornu_conformance.case import Case

BY_THE_FORMULA_OF_FLOATS = frozenset({"Cast", "Div"})
"""Primitives whose formula for floats does not hold for integers: their own cases have all dtypes."""


def in_every_dtype(op: str, cases: Sequence[Case]) -> list[Case]:
    """Further cases of a primitive, one for each dtype that none of its own is of.

    Args:
        op: The primitive.
        cases: Its own cases.
    """
    if op in BY_THE_FORMULA_OF_FLOATS:
        return []
    covered = {dtype for case in cases for dtype in _dtypes(op, case)}
    found = []
    for dtype in (dtype for dtype in DTYPES if dtype not in covered):
        made = (_in(case, op, dtype) for case in cases if callable(case.expected))
        found += [case for case in made if case is not None][:1]
    return found


def _dtypes(op: str, case: Case) -> set[str]:
    """The dtypes of what a case computes with: that of the operand that says what the others must be."""
    place = 1 if op == "Where" else 0
    return {type.dtype for dtype in case.dtypes for type in case.types(dtype)[place : place + 1]}


def _in(case: Case, op: str, dtype: str) -> Case | None:
    """A case with other numbers, in another dtype; None where it has no floats, or is not for that dtype."""
    if not any(np.asarray(value).dtype == np.float64 for value in case.inputs):
        return None
    numbers = replace(
        case, name="whole_numbers", inputs=[_whole(v, dtype) for v in case.inputs], dtypes=(dtype,), orders=0
    )
    try:
        numbers.program(op, dtype)
        return numbers if all(_holds(dtype, array) for array in numbers.results("float64")) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(value: object, dtype: str) -> np.ndarray:
    """Numbers from 1 to 3 (booleans: 0 and 1) in the place of floats."""
    array = np.asarray(value)
    if array.dtype != np.float64:
        return array
    count = np.abs(np.round(np.where(np.isfinite(array), array, 0.0) * 32))
    return np.asarray(count % 2 if dtype == "bool" else 1 + count % 3, np.float64)


def _holds(dtype: str, array: np.ndarray) -> bool:
    """Whether a dtype holds all these numbers."""
    if array.dtype != np.float64 or not array.size:
        return True
    kind = numpy_dtype(dtype)
    if kind.kind not in "iu":
        return bool(dtype != "bool" or np.isin(array, (0.0, 1.0)).all())
    limits = np.iinfo(kind)
    return bool((array >= limits.min).all() and (array <= limits.max).all() and (array == np.round(array)).all())
