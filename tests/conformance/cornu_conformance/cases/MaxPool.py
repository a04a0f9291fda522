"""The largest element of every window; the first of several, in row-major order, gets the whole cotangent."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, Case, distinct, whole
from cornu_conformance.formulas import pool

Ints = Sequence[int]


def windows(kernel: Ints, strides: Ints | None = None, dilations: Ints | None = None) -> dict[str, Any]:
    return {
        "kernel_shape": tuple(kernel),
        "strides": tuple(strides or kernel),
        "dilations": tuple(dilations or (1,) * len(kernel)),
    }


def case(
    name: str,
    x: Ints,
    kernel: Ints,
    strides: Ints | None = None,
    dilations: Ints | None = None,
    symbolic: str = "",
    dtypes: Sequence[str] = ("float32", "float64"),
) -> Case:
    attributes: dict[str, Any] = windows(kernel, strides, dilations)
    return Case(name, [distinct(*x)], partial(pool, max, **attributes), attributes, [symbolic], dtypes)


TIES = [[[[1.0, 3.0, 3.0], [3.0, 0.0, 3.0], [2.0, 3.0, 3.0]]]]
CASES = [
    case("typical", (2, 3, 4, 6), (2, 2), dtypes=ALL_FLOATS),
    case("with_rest", (2, 2, 5, 7), (2, 3), symbolic="n _ h w"),
    case("with_rest_fixed", (2, 2, 5, 7), (2, 3)),
    case("overlapping", (2, 2, 7, 6), (3, 3), (2, 2), symbolic="n _ h w"),
    case("overlapping_fixed", (1, 2, 8, 6), (3, 2), (2, 1)),
    case("gaps", (1, 2, 8, 7), (2, 1), (3, 2), symbolic="n _ h w"),
    case("dilations", (1, 2, 7, 8), (2, 3), (1, 2), (3, 2), symbolic="n _ h w"),
    case("one_dimension", (2, 3, 7), (3,), (2,), symbolic="n _ t"),
    case("three_dimensions", (1, 2, 4, 3, 5), (2, 2, 2), (2, 1, 2), symbolic="n _ d h w"),
    case("single", (1, 1, 1, 1), (1, 1), symbolic="n _ h w"),
    case("empty", (0, 2, 4, 4), (2, 2), symbolic="n _ _ _", dtypes=FLOAT32),
    Case(
        "integers",
        [whole(1, 2, 4, 4)],
        partial(pool, max, **windows((2, 2))),
        windows((2, 2)),
        dtypes=("int8", "int32"),
    ),
    Case(
        "ties_overlapping",
        [TIES],
        [[[[[3.0, 3.0], [3.0, 3.0]]]]],
        windows((2, 2), (1, 1)),
        orders=0,
        gradient=[[[[[0.0, 2.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]]],
    ),
    Case(
        "ties",
        [[[[[5.0, 5.0, 0.0, 1.0], [5.0, 5.0, 1.0, 1.0], [2.0, 2.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]]]],
        [[[[[5.0, 1.0], [2.0, 0.0]]]]],
        windows((2, 2)),
        orders=0,
        gradient=[[[[[1.0, 0.0, 0.0, 1.0], [0.0] * 4, [1.0, 0.0, 1.0, 0.0], [0.0] * 4]]]],
    ),
    Case(
        "all_minus_infinity",
        [[[[[-INF, -INF, -INF]]]]],
        [[[[[-INF]]]]],
        windows((1, 3)),
        orders=0,
        gradient=[[[[[1.0, 0.0, 0.0]]]]],
    ),
    Case(
        "nan",
        [[[[[1.0, NAN, 3.0, 4.0, 2.0, 1.0]]]]],
        [[[[[NAN, 4.0]]]]],
        windows((1, 3)),
        orders=0,
        gradient=[[[[[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]]]]],
    ),
    Case("extremes", [np.array([[[-128, -127]]], np.int8)], [np.array([[[-127]]], np.int8)], windows((2,))),
]
