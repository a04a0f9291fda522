"""The mean over some axes; NaN of nothing."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, INF, NAN, Case, draw
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
    return Case(
        name,
        [x],
        partial(reduction, lambda values: sum(values) / len(values), **attributes),
        attributes,
        [symbolic],
        dtypes,
        orders,
        tolerance=8,
    )


CASES = [
    over("all", draw(3, 4), 0, 1, dtypes=ALL_FLOATS),
    over("rows", draw(3, 4), 0, symbolic="n _"),
    over("columns_kept", draw(3, 4), 1, keepdims=True, symbolic="n m"),
    over("outer", draw(2, 3, 4), 0, 2, symbolic="n _ m"),
    over("outer_kept", draw(2, 3, 4), 2, 0, keepdims=True),
    over("no_axis", draw(2, 3)),
    over("scalar", draw()),
    over("size_one", draw(1, 3), 0, symbolic="n _"),
    Case("of_nothing", [np.zeros((0, 2))], [[NAN, NAN]], {"axes": (0,), "keepdims": False}, ["n _"], orders=0),
    Case(
        "special",
        [[[INF, 1.0], [INF, -INF], [NAN, 1.0]]],
        [[INF, NAN, NAN]],
        {"axes": (1,), "keepdims": False},
        orders=0,
    ),
    Case(
        "16_bits_do_not_saturate",
        [np.full(4096, 32.0)],
        [32.0],
        {"axes": (0,), "keepdims": False},
        dtypes=("float16", "bfloat16"),
        orders=0,
    ),
]
