"""The axes in another order"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, Case, draw
from cornu_conformance.formulas import positions


def permuted(x: np.ndarray, *perm: int) -> np.ndarray:
    y = np.zeros([x.shape[axis] for axis in perm])
    for at in positions(y.shape):
        y[at] = x[tuple(at[perm.index(axis)] for axis in range(x.ndim))]
    return y


CASES = [
    Case("matrix", [draw(2, 3)], lambda x: permuted(x, 1, 0), {"perm": (1, 0)}, dtypes=ALL_FLOATS),
    Case("cycle", [draw(2, 3, 4)], lambda x: permuted(x, 2, 0, 1), {"perm": (2, 0, 1)}, ["n _ m"]),
    Case("four_axes", [draw(2, 1, 3, 2)], lambda x: permuted(x, 0, 2, 3, 1), {"perm": (0, 2, 3, 1)}, ["n _ _ _"]),
    Case("identity", [draw(2, 3)], lambda x: x, {"perm": (0, 1)}),
    Case("scalar", [draw()], lambda x: x, {"perm": ()}),
    Case("empty", [np.zeros((0, 3))], [np.zeros((3, 0))], {"perm": (1, 0)}, ["n _"]),
    Case("integers", [np.array([[1, 2, 3]])], [np.array([[1], [2], [3]])], {"perm": (1, 0)}),
]
