"""The smallest element over some axes; NaN if one is, and the dtype's own largest of nothing.

Elements that tie share the cotangent equally.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, Case, distinct, neighbours, whole
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
    return Case(name, [x], partial(reduction, min, **attributes), attributes, [symbolic], dtypes, orders)


FIRST = {"axes": (0,), "keepdims": False}
CASES = [
    over("all", distinct(3, 4), 0, 1, dtypes=ALL_FLOATS),
    over("rows", distinct(3, 4), 0, symbolic="n _"),
    over("columns_kept", distinct(3, 4), 1, keepdims=True, symbolic="n m"),
    over("outer", distinct(2, 3, 4), 0, 2, symbolic="n _ m"),
    over("outer_kept", distinct(2, 3, 4), 2, 0, keepdims=True),
    over("no_axis", distinct(2, 3)),
    over("scalar", distinct()),
    over("size_one", distinct(1, 3), 0, symbolic="n _"),
    over("integers", whole(3, 4), 1, dtypes=("int8", "int32", "int64"), orders=0),
    Case("of_nothing", [np.zeros((0, 2))], [[INF, INF]], FIRST, ["n _"], orders=0),
    Case("of_no_integers", [np.zeros((0, 1), np.int8)], [np.array([127], np.int8)], FIRST, dtypes=FLOAT32),
    Case(
        "special",
        [[[INF, 1.0], [-INF, -INF], [NAN, 1.0]]],
        [[1.0, -INF, NAN]],
        {"axes": (1,), "keepdims": False},
        orders=0,
    ),
    Case("ties", [[3.0, 1.0, 1.0, 2.0]], [1.0], FIRST, orders=0, gradient=[[0.0, 0.5, 0.5, 0.0]]),
    over("neighbours", neighbours(3, 4), 1),
]
