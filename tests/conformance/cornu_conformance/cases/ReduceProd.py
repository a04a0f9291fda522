"""The product over some axes; 1 of nothing. The derivative is right where elements are 0."""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, Case, draw, whole
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
    return Case(name, [x], partial(reduction, prod, **attributes), attributes, [symbolic], dtypes, orders, tolerance=8)


CASES = [
    over("all", draw(3, 4), 0, 1, dtypes=ALL_FLOATS),
    over("rows", draw(3, 4), 0, symbolic="n _"),
    over("columns_kept", draw(3, 4), 1, keepdims=True, symbolic="n m"),
    over("outer", draw(2, 3, 4), 0, 2, symbolic="n _ m"),
    over("outer_kept", draw(2, 3, 4), 2, 0, keepdims=True),
    over("no_axis", draw(2, 3)),
    over("scalar", draw()),
    over("size_one", draw(1, 3), 0, symbolic="n _"),
    over("integers", whole(3, 2), 1, dtypes=("int8", "int32", "int64"), orders=0),
    Case("of_nothing", [np.zeros((0, 2))], [[1.0, 1.0]], {"axes": (0,), "keepdims": False}, ["n _"]),
    Case("empty", [np.zeros((2, 0))], [np.zeros(0)], {"axes": (0,), "keepdims": False}, ["_ n"]),
    Case("one_zero", [[2.0, 0.0, 3.0]], [0.0], {"axes": (0,), "keepdims": False}, gradient=[[0.0, 6.0, 0.0]]),
    Case("two_zeros", [[0.0, 0.0, 3.0]], [0.0], {"axes": (0,), "keepdims": False}, gradient=[[0.0, 0.0, 0.0]]),
]
