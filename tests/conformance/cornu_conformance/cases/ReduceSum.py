"""The sum over some axes; 0 of nothing."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, Case, draw, whole
from cornu_conformance.formulas import reduction


def over(
    name: str,
    x: np.ndarray,
    *axes: int,
    keepdims: bool = False,
    symbolic: str = "",
    dtypes: Sequence[str] = ("float32", "float64"),
    orders: int = 2,
) -> Case:
    attributes: dict[str, Any] = {"axes": axes, "keepdims": keepdims}
    return Case(name, [x], partial(reduction, sum, **attributes), attributes, [symbolic], dtypes, orders, tolerance=8)


CASES = [
    over("all", draw(3, 4), 0, 1, dtypes=ALL_FLOATS),
    over("rows", draw(3, 4), 0, symbolic="n _"),
    over("columns_kept", draw(3, 4), 1, keepdims=True, symbolic="n m"),
    over("outer", draw(2, 3, 4), 0, 2, symbolic="n _ m"),
    over("outer_kept", draw(2, 3, 4), 2, 0, keepdims=True),
    over("no_axis", draw(2, 3)),
    over("scalar", draw()),
    over("size_one", draw(1, 3), 0, symbolic="n _"),
    over("integers", whole(3, 4), 1, dtypes=("int8", "int32", "int64"), orders=0),
    Case("of_nothing", [np.zeros((0, 2))], [[0.0, 0.0]], {"axes": (0,), "keepdims": False}, ["n _"]),
    Case("empty", [np.zeros((2, 0))], [np.zeros(0)], {"axes": (0,), "keepdims": False}, ["_ n"]),
    Case(
        "special",
        [[[INF, 1.0], [INF, -INF], [NAN, 1.0]]],
        [[INF, NAN, NAN]],
        {"axes": (1,), "keepdims": False},
        orders=0,
    ),
    Case(
        "wraps",
        [np.array([100, 100], np.int8)],
        [np.array(-56, np.int8)],
        {"axes": (0,), "keepdims": False},
        dtypes=FLOAT32,
    ),
]
