"""y[i, j] = x[indices[i, j], j] for axis 0"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, Formula, draw, neighbours
from cornu_conformance.formulas import positions


def along(axis: int) -> Formula:
    def formula(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        y = np.zeros(indices.shape)
        for at in positions(indices.shape):
            y[at] = x[(*at[:axis], indices[at], *at[axis + 1 :])]
        return y

    return formula


ROWS = np.array([[0, 2], [-1, 0], [1, 1], [2, -3]])
CASES = [
    Case("rows", [draw(3, 2), ROWS], along(0), {"axis": 0}, dtypes=ALL_FLOATS),
    Case("columns", [draw(2, 3), ROWS.T], along(1), {"axis": 1}, ["n _", "n m"]),
    Case("middle", [draw(2, 3, 1), ROWS.astype(np.int32).T[:, :, None]], along(1), {"axis": 1}, ["n _ _", "n k _"]),
    Case("repeated", [draw(3), np.array([1, 1, 1, 0])], along(0), {"axis": 0}),
    Case("no_index", [draw(3, 2), np.zeros((0, 2), np.int64)], [np.zeros((0, 2))], {"axis": 0}, ["_ _", "n _"]),
    Case("integers", [np.array([5, 6, 7]), np.array([-1, 0])], [np.array([7, 5])], {"axis": 0}, dtypes=FLOAT32),
    Case("full_precision", [neighbours(4), np.array([3, 0, 2, 1])], along(0), {"axis": 0}),
]
