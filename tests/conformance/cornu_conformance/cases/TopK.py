"""The k largest or smallest elements along an axis, best first, and their indices; of equals the first one first."""

from collections.abc import Sequence

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, Case, distinct, neighbours, whole
from cornu_conformance.formulas import along

N = symbol("n")


def case(
    name: str,
    x: np.ndarray,
    k: object,
    axis: int,
    largest: bool = True,
    symbolic: str = "",
    dtypes: Sequence[str] = ("float32", "float64"),
    orders: int = 2,
) -> Case:
    count = k if isinstance(k, int) else x.shape[axis]

    def order(row: list[float]) -> Sequence[int]:
        return sorted(range(len(row)), key=lambda i: -row[i] if largest else row[i])[:count]

    def formula(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return along(lambda row: [row[i] for i in order(row)], x, axis), along(order, x, axis).astype(np.int64)

    attributes = {"k": k, "axis": axis, "largest": largest, "sorted": True}
    return Case(name, [x], formula, attributes, [symbolic], dtypes, orders)


NANS = [2.0, NAN, 1.0, -INF, NAN]
CASES = [
    case("largest", distinct(3, 5), 2, 1, dtypes=ALL_FLOATS),
    case("smallest", distinct(3, 5), 2, 1, False, "n _"),
    case("rows", distinct(4, 3), 2, 0, symbolic="_ n"),
    case("middle", distinct(2, 4, 2), 3, 1, False),
    case("sorted", distinct(2, 5), N, 1, symbolic="_ n"),
    case("sorted_ascending", distinct(2, 5), N, 1, False, "_ n"),
    case("none", distinct(2, 3), 0, 1, symbolic="n _"),
    case("ties", whole(3, 8, low=-1, high=2), 5, 1, orders=0),
    case("ties_ascending", whole(3, 8, low=-1, high=2), 5, 1, False, orders=0),
    case("integers", whole(3, 5), 3, 1, dtypes=("int8", "int32", "int64"), orders=0),
    Case(
        "extremes",
        [np.array([0, 255, 7], np.uint8)],
        [np.array([255, 7], np.uint8), np.array([1, 2])],
        {"k": 2, "axis": 0, "largest": True, "sorted": True},
        dtypes=FLOAT32,
    ),
    Case(
        "minimum_of_dtype",
        [np.array([0, -128, 7], np.int8)],
        [np.array([7, 0, -128], np.int8), np.array([2, 0, 1])],
        {"k": 3, "axis": 0, "largest": True, "sorted": True},
        dtypes=FLOAT32,
    ),
    Case(
        "gradient_at_ties",
        [[1.0, 3.0, 3.0]],
        [[3.0], np.array([1])],
        {"k": 1, "axis": 0, "largest": True, "sorted": True},
        orders=0,
        gradient=[[0.0, 1.0, 0.0]],
    ),
    Case(
        "nan_is_largest",
        [NANS],
        [[NAN, NAN, 2.0, 1.0, -INF], np.array([1, 4, 0, 2, 3])],
        {"k": 5, "axis": 0, "largest": True, "sorted": True},
        orders=0,
    ),
    Case(
        "nan_is_last_ascending",
        [NANS],
        [[-INF, 1.0, 2.0, NAN, NAN], np.array([3, 2, 0, 1, 4])],
        {"k": 5, "axis": 0, "largest": False, "sorted": True},
        orders=0,
    ),
    Case(
        "empty",
        [np.zeros((0, 3))],
        [np.zeros((0, 2)), np.zeros((0, 2), np.int64)],
        {"k": 2, "axis": 1, "largest": True, "sorted": True},
        ["n _"],
    ),
    case("neighbours", neighbours(2, 5), 3, 1),
]
