"""y[i] = x[indices[i, 0], indices[i, 1], ...]: the last axis of the indices holds a position"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, draw, neighbours


def at(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    rows = [x[tuple(place)] for place in indices.reshape(-1, indices.shape[-1]).tolist()]
    return np.array(rows).reshape((*indices.shape[:-1], *x.shape[indices.shape[-1] :]))


CASES = [
    Case("rows", [draw(3, 2), np.array([[0], [2], [-1], [0]])], at, dtypes=ALL_FLOATS),
    Case("elements", [draw(3, 2), np.array([[0, 1], [2, -1], [-3, 0]])], at, symbolic=["n m", "k _"]),
    Case("grid", [draw(2, 3, 2), np.array([[[0, 1], [1, -1]], [[1, 1], [0, 0]]])], at, symbolic=["n _ m", "k _ _"]),
    Case("one_place", [draw(2, 3), np.array([1, 2], np.int32)], at),
    Case("repeated", [draw(3), np.array([[1], [1], [1]])], at),
    Case("no_index", [draw(3, 2), np.zeros((0, 1), np.int64)], [np.zeros((0, 2))], symbolic=["", "n _"]),
    Case("integers", [np.array([5, 6, 7]), np.array([[-1], [0]])], [np.array([7, 5])], dtypes=FLOAT32),
    Case("full_precision", [neighbours(4), np.array([[3], [0], [2]])], at),
]
