"""The running product along an axis: up to each element or before it, from either end"""

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, Case, draw, whole
from cornu_conformance.formulas import along


def every(
    name: str, x: Any, axis: int, symbolic: str = "", dtypes: Sequence[str] = ("float32", "float64"), orders: int = 2
) -> list[Case]:
    """The four ways of running."""

    def case(exclusive: bool, reverse: bool) -> Case:
        def run(row: list[float]) -> list[float]:
            row = row[::-1] if reverse else row
            results = (
                list(itertools.accumulate([1.0, *row], operator.mul))[:-1]
                if exclusive
                else list(itertools.accumulate(row, operator.mul))
            )
            return results[::-1] if reverse else results

        attributes = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
        full = name + "_exclusive" * exclusive + "_reverse" * reverse
        return Case(full, [x], lambda x: along(run, x, axis), attributes, [symbolic], dtypes, orders, tolerance=4)

    return [case(exclusive, reverse) for exclusive in (False, True) for reverse in (False, True)]


CASES = [
    *every("rows", draw(3, 4), 0, dtypes=ALL_FLOATS),
    *every("columns", draw(3, 4), 1, "n _"),
    *every("symbolic", draw(2, 5, 2), 1, "n m _"),
    *every("one_element", draw(2, 1), 1, "n _"),
    *every("integers", whole(2, 3), 1, dtypes=("int32", "int64"), orders=0),
    Case("empty", [np.zeros((0, 2))], [np.zeros((0, 2))], {"axis": 0, "exclusive": True, "reverse": False}, ["n _"]),
    Case("infinite", [[1.0, INF, 2.0]], [[1.0, INF, INF]], {"axis": 0, "exclusive": False, "reverse": False}, orders=0),
    Case(
        "wraps",
        [np.array([100, 100], np.int8)],
        [np.array([100, 16], np.int8)],
        {"axis": 0, "exclusive": False, "reverse": False},
        dtypes=FLOAT32,
    ),
    Case(
        "zeros",
        [[2.0, 0.0, 3.0]],
        [[2.0, 0.0, 0.0]],
        {"axis": 0, "exclusive": False, "reverse": False},
        gradient=[[1.0, 8.0, 0.0]],
    ),
    *every("two_zeros", [[2.0, 0.0, 3.0, 0.0, 5.0]], 1),
]
