"""The adjoint of the convolution without padding: every input element spreads its kernel into the output"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, draw
from cornu_conformance.formulas import conv_transpose

Ints = Sequence[int]


def case(
    name: str,
    x: Ints,
    w: Ints,
    strides: Ints | None = None,
    dilations: Ints | None = None,
    group: int = 1,
    output_padding: Ints | None = None,
    symbolic: str = "",
    dtypes: Sequence[str] = ("float32", "float64"),
) -> Case:
    ones = (1,) * (len(x) - 2)
    attributes: dict[str, Any] = {
        "strides": tuple(strides or ones),
        "dilations": tuple(dilations or ones),
        "group": group,
        "output_padding": tuple(output_padding or (0,) * len(ones)),
    }
    operands = [draw(*x, seed=1), draw(*w, seed=2)]
    return Case(name, operands, partial(conv_transpose, **attributes), attributes, [symbolic], dtypes, tolerance=8)


CASES = [
    case("typical", (2, 3, 4, 3), (3, 4, 3, 2), dtypes=ALL_FLOATS),
    case("one_dimension", (2, 3, 4), (3, 2, 3), symbolic="n _ t"),
    case("three_dimensions", (1, 2, 2, 3, 2), (2, 2, 2, 1, 2), (2, 1, 2), symbolic="n _ _ h w"),
    case("strides", (2, 2, 3, 2), (2, 3, 3, 3), (2, 2), symbolic="n _ h w"),
    case("output_padding", (2, 2, 3, 2), (2, 3, 3, 3), (2, 3), output_padding=(1, 2), symbolic="n _ h w"),
    case("strides_over_gaps", (1, 2, 3), (2, 2, 2), (3,), output_padding=(2,), symbolic="n _ t"),
    case("dilations", (1, 2, 3, 3), (2, 2, 2, 3), None, (2, 2), symbolic="n _ h w"),
    case("strides_and_dilations", (1, 2, 3, 2), (2, 2, 3, 2), (2, 3), (2, 1), symbolic="n _ h w"),
    case("groups", (2, 4, 3, 3), (4, 3, 2, 2), (2, 2), (1, 1), 2, (1, 0), symbolic="n _ h w"),
    case("depthwise", (2, 3, 3, 3), (3, 1, 3, 3), (2, 1), group=3, symbolic="n _ h w"),
    case("one_of_everything", (1, 1, 1), (1, 1, 1), symbolic="n _ t"),
    case("empty", (0, 2, 3, 3), (2, 3, 2, 2), (2, 2), symbolic="n _ _ _", dtypes=FLOAT32),
]
