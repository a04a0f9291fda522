"""Elements at given indices along one axis, which is replaced by the axes of the indices"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, Formula, draw

INDICES = np.array([[0, 2], [-1, 0]])


def at(axis: int) -> Formula:
    def formula(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        rows = [np.moveaxis(x, axis, 0)[i] for i in indices.ravel().tolist()]
        stacked = np.array(rows).reshape(*indices.shape, *np.moveaxis(x, axis, 0).shape[1:])
        return np.moveaxis(stacked, range(indices.ndim), range(axis, axis + indices.ndim))

    return formula


CASES = [
    Case("rows", [draw(3, 4), INDICES], at(0), {"axis": 0}, dtypes=ALL_FLOATS),
    Case("columns", [draw(2, 3), INDICES], at(1), {"axis": 1}, ["n _", "m _"]),
    Case("middle", [draw(2, 3, 2), INDICES.astype(np.int32)], at(1), {"axis": 1}, ["n _ m", "k _"]),
    Case("scalar_index", [draw(3, 2), np.array(-2)], at(0), {"axis": 0}, ["n _"]),
    Case("vector_index", [draw(2, 3), np.array([2, 2, 2])], at(1), {"axis": 1}, ["_ _", "k"]),
    Case("no_index", [draw(3, 2), np.zeros(0, np.int64)], [np.zeros((0, 2))], {"axis": 0}, ["_ _", "n"]),
    Case("no_elements", [np.zeros((3, 0)), np.array([1])], [np.zeros((1, 0))], {"axis": 0}, ["_ n"]),
    Case(
        "bool",
        [np.array([True, False]), np.array([1, 0, 1])],
        [np.array([False, True, False])],
        {"axis": 0},
        dtypes=FLOAT32,
    ),
    Case("integers", [np.array([5, 6, 7]), np.array([-1, 0])], [np.array([7, 5])], {"axis": 0}, dtypes=FLOAT32),
]
