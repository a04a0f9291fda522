"""Products of matrices, or of stacks of them with broadcasting"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, Case, draw
from cornu_conformance.formulas import positions


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    left, right = np.broadcast_to(x, (*batch, *x.shape[-2:])), np.broadcast_to(y, (*batch, *y.shape[-2:]))
    z = np.zeros((*batch, x.shape[-2], y.shape[-1]))
    for *b, i, j in positions(z.shape):
        z[(*b, i, j)] = sum(left[(*b, i, k)] * right[(*b, k, j)] for k in range(x.shape[-1]))
    return z


CASES = [
    Case("matrices", [draw(3, 4, seed=1), draw(4, 2, seed=2)], product, dtypes=ALL_FLOATS, tolerance=4),
    Case("stacks", [draw(2, 3, 4, seed=1), draw(2, 4, 2, seed=2)], product, symbolic=["n _ m", "n m _"], tolerance=4),
    Case(
        "stack_by_matrix", [draw(2, 3, 4, seed=1), draw(4, 2, seed=2)], product, symbolic=["n m _", "_ _"], tolerance=4
    ),
    Case(
        "matrix_by_stack", [draw(3, 4, seed=1), draw(2, 4, 2, seed=2)], product, symbolic=["_ _", "n _ _"], tolerance=4
    ),
    Case("broadcast", [draw(2, 1, 3, 2, seed=1), draw(3, 2, 2, seed=2)], product, tolerance=4),
    Case("symbolic", [draw(3, 4, seed=1), draw(4, 2, seed=2)], product, symbolic=["n k", "k m"], tolerance=4),
    Case("one_element", [draw(1, 1, seed=1), draw(1, 1, seed=2)], product, symbolic=["n _", "_ _"]),
    Case("empty", [np.zeros((0, 3)), draw(3, 2)], [np.zeros((0, 2))], symbolic=["n _", "_ _"]),
    Case("empty_sum", [np.zeros((2, 0)), np.zeros((0, 3))], [np.zeros((2, 3))]),
    Case("empty_sum_of_stacks", [np.zeros((2, 1, 0)), np.zeros((0, 3))], [np.zeros((2, 1, 3))]),
    Case("integers", [np.array([[1, 2], [3, 4]]), np.array([[5], [6]])], [np.array([[17], [39]])]),
]
