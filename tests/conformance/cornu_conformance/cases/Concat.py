"""Tensors one after another along an axis"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, Case, draw


def rows(*parts: np.ndarray) -> np.ndarray:
    return np.array([row for part in parts for row in part])


CASES = [
    Case("rows", [draw(2, 3, seed=1), draw(1, 3, seed=2)], rows, {"axis": 0}, dtypes=ALL_FLOATS),
    Case(
        "columns", [draw(2, 1, seed=1), draw(2, 3, seed=2)], lambda x, y: rows(x.T, y.T).T, {"axis": 1}, ["n _", "n _"]
    ),
    Case(
        "symbols",
        [draw(2, 3, seed=1), draw(1, 3, seed=2), draw(2, 3, seed=3)],
        rows,
        {"axis": 0},
        ["n _", "m _", "n _"],
    ),
    Case("one", [draw(2, 3)], lambda x: x, {"axis": 1}),
    Case("empty", [np.zeros((0, 2)), draw(2, 2)], lambda x, y: y, {"axis": 0}, ["n _", "_ _"]),
    Case("bool", [np.array([True]), np.array([False])], [np.array([True, False])], {"axis": 0}),
    Case("integers", [np.array([[1], [2]]), np.array([[3], [4]])], [np.array([[1, 3], [2, 4]])], {"axis": 1}),
]
