"""Convolution without padding, in 1 to 3 dimensions, with strides, dilations and groups"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, draw
from cornu_conformance.formulas import conv

Ints = Sequence[int]


def case(
    name: str,
    x: Ints,
    w: Ints,
    strides: Ints | None = None,
    dilations: Ints | None = None,
    group: int = 1,
    symbolic: str = "",
    dtypes: Sequence[str] = ("float32", "float64"),
) -> Case:
    ones = (1,) * (len(x) - 2)
    attributes: dict[str, Any] = {
        "strides": tuple(strides or ones),
        "dilations": tuple(dilations or ones),
        "group": group,
    }
    operands = [draw(*x, seed=1), draw(*w, seed=2)]
    return Case(name, operands, partial(conv, **attributes), attributes, [symbolic], dtypes, tolerance=8)


CASES = [
    case("typical", (2, 3, 6, 5), (4, 3, 3, 2), dtypes=ALL_FLOATS),
    case("pointwise", (2, 3, 4, 4), (2, 3, 1, 1), symbolic="n _ h w"),
    case("whole_image", (2, 3, 3, 4), (2, 3, 3, 4), symbolic="n _ _ _"),
    case("one_dimension", (2, 3, 7), (4, 3, 3), symbolic="n _ t"),
    case("three_dimensions", (1, 2, 4, 5, 4), (2, 2, 2, 3, 2), (1, 2, 1), symbolic="n _ _ h w"),
    case("strides_without_rest", (2, 2, 7, 5), (3, 2, 3, 3), (2, 2), symbolic="n _ h w"),
    case("strides_with_rest", (2, 2, 8, 6), (3, 2, 3, 3), (2, 2), symbolic="n _ h w"),
    case("strides_with_rest_fixed", (2, 2, 8, 6), (3, 2, 3, 3), (2, 2)),
    case("uneven_strides", (1, 2, 9, 8), (2, 2, 2, 3), (3, 2), symbolic="_ _ h w"),
    case("strides_over_gaps", (1, 2, 8), (2, 2, 2), (3,), symbolic="n _ t"),
    case("dilations", (1, 2, 7, 8), (2, 2, 3, 2), None, (2, 3), symbolic="n _ h w"),
    case("strides_and_dilations", (1, 2, 10, 9), (2, 2, 3, 2), (2, 3), (2, 1), symbolic="n _ h w"),
    case("groups", (2, 4, 5, 5), (6, 2, 3, 3), group=2, symbolic="n _ h w"),
    case("groups_strides", (2, 4, 8, 7), (4, 2, 3, 2), (2, 2), (1, 2), 2, symbolic="n _ h w"),
    case("depthwise", (2, 3, 6, 6), (3, 1, 3, 3), (2, 2), group=3, symbolic="n _ h w"),
    case("depthwise_multiplier", (2, 3, 5), (6, 1, 2), group=3, symbolic="n _ t"),
    case("one_of_everything", (1, 1, 1), (1, 1, 1), symbolic="n _ t"),
    case("empty", (0, 2, 4, 4), (3, 2, 2, 2), symbolic="n _ _ _", dtypes=FLOAT32),
]
