"""The mean of every window"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, draw
from cornu_conformance.formulas import pool

Ints = Sequence[int]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def case(
    name: str,
    x: Ints,
    kernel: Ints,
    strides: Ints | None = None,
    dilations: Ints | None = None,
    symbolic: str = "",
    dtypes: Sequence[str] = ("float32", "float64"),
) -> Case:
    attributes: dict[str, Any] = {
        "kernel_shape": tuple(kernel),
        "strides": tuple(strides or kernel),
        "dilations": tuple(dilations or (1,) * len(kernel)),
    }
    return Case(name, [draw(*x)], partial(pool, mean, **attributes), attributes, [symbolic], dtypes)


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
]
