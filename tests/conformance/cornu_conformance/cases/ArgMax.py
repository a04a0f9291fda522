"""The int64 index of the first largest element along an axis; the first NaN counts as such."""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, Case, Formula, distinct, neighbours, whole
from cornu_conformance.formulas import along


def first(axis: int, keepdims: bool) -> Formula:
    def formula(x: np.ndarray) -> np.ndarray:
        found = along(lambda row: [row.index(max(row))], x, axis).astype(np.int64)
        return found if keepdims else found.reshape([size for i, size in enumerate(x.shape) if i != axis])

    return formula


CASES = [
    Case("rows", [distinct(3, 4)], first(0, False), {"axis": 0, "keepdims": False}, dtypes=ALL_FLOATS, orders=0),
    Case("columns_kept", [distinct(3, 4)], first(1, True), {"axis": 1, "keepdims": True}, ["n m"], orders=0),
    Case("middle", [distinct(2, 3, 2)], first(1, False), {"axis": 1, "keepdims": False}, ["n _ m"], orders=0),
    Case("ties", [whole(3, 6, low=-1, high=1)], first(1, False), {"axis": 1, "keepdims": False}, ["n m"], orders=0),
    Case(
        "integers", [whole(3, 4)], first(0, False), {"axis": 0, "keepdims": False}, dtypes=("int8", "int64"), orders=0
    ),
    Case("unsigned", [np.array([0, 255, 7], np.uint8)], [np.array(1)], {"axis": 0, "keepdims": False}, dtypes=FLOAT32),
    Case("nan", [[1.0, NAN, 3.0, NAN, -INF]], [np.array(1)], {"axis": 0, "keepdims": False}, orders=0),
    Case("one_element", [[[2.0]]], [np.array([0])], {"axis": 1, "keepdims": False}, ["n _"], orders=0),
    Case("empty", [np.zeros((0, 3))], [np.zeros(0, np.int64)], {"axis": 1, "keepdims": False}, ["n _"], orders=0),
    Case("neighbours", [neighbours(3, 5)], first(1, False), {"axis": 1, "keepdims": False}, orders=0),
]
