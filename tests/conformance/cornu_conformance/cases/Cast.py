"""Another dtype; a float beyond an integer's range gives the nearest end of it, and NaN gives 0."""

import numpy as np
from cornu.ir.types import INTEGERS

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, TWO_FLOATS, Case, draw

WIDE = [NAN, INF, -INF, 1e20, -1e20, 300.0, -300.0, -1.5, 2.9]


def from_float(to: str, expected: list[int]) -> Case:
    return Case(f"to_{to}", [WIDE], [np.array(expected, to)], {"to": to}, orders=0)


CASES = [
    from_float("int8", [0, 127, -128, 127, -128, 127, -128, -1, 2]),
    from_float("uint8", [0, 255, 0, 255, 0, 255, 0, 0, 2]),
    from_float("int32", [0, 2**31 - 1, -(2**31), 2**31 - 1, -(2**31), 300, -300, -1, 2]),
    from_float("uint32", [0, 2**32 - 1, 0, 2**32 - 1, 0, 300, 0, 0, 2]),
    from_float("int64", [0, 2**63 - 1, -(2**63), 2**63 - 1, -(2**63), 300, -300, -1, 2]),
    Case(
        "to_bool", [[0.0, -0.0, 0.5, NAN, INF]], [np.array([False, False, True, True, True])], {"to": "bool"}, orders=0
    ),
    Case("to_float64", [draw(2, 3)], lambda x: x, lambda dtype: {"to": "float64"}, ["n _"], ("float64",)),
    Case("widens", [np.float32(draw(3))], [draw(3)], {"to": "float64"}, dtypes=("float64",), orders=0),
    Case(
        "narrows",
        [np.array([1 + 2.0**-30, 1e300, -1e300])],
        [np.array([1, INF, -INF], np.float32)],
        {"to": "float32"},
        dtypes=("float64",),
        orders=0,
    ),
    Case(
        "gradient",
        [draw(3)],
        lambda x: x.astype("float16"),
        {"to": "float16"},
        dtypes=TWO_FLOATS,
        orders=0,
        gradient=[[1.0, 1.0, 1.0]],
    ),
    Case("same", [draw(2, 2)], lambda x: x, lambda dtype: {"to": dtype}, dtypes=ALL_FLOATS),
    Case("from_int", [np.array([-3, 0, 2**53])], [[-3.0, 0.0, 2.0**53]], lambda dtype: {"to": dtype}, ["n"]),
    Case("from_bool", [np.array([True, False])], [[1.0, 0.0]], lambda dtype: {"to": dtype}, dtypes=ALL_FLOATS),
    Case(
        "integers_wrap", [np.array([300, -1, -129])], [np.array([44, -1, 127], np.int8)], {"to": "int8"}, dtypes=FLOAT32
    ),
    Case("to_unsigned_wraps", [np.array([-1, 256])], [np.array([255, 0], np.uint8)], {"to": "uint8"}, dtypes=FLOAT32),
    Case("empty", [np.zeros((0, 2))], [np.zeros((0, 2), np.int32)], {"to": "int32"}, ["n _"], orders=0),
    *(
        Case(
            f"from_{dtype}",
            [np.array([0, 1, 100], dtype)],
            [[0.0, 1.0, 100.0]],
            lambda wanted: {"to": wanted},
            orders=0,
        )
        for dtype in INTEGERS
    ),
]
