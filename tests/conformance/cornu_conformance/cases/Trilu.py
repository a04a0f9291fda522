"""The upper or lower triangle of matrices, from the k-th diagonal on; zeros elsewhere"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, NAN, Case, Formula, draw


def triangle(upper: bool, k: int) -> Formula:
    def formula(x: np.ndarray) -> np.ndarray:
        rows, columns = x.shape[-2:]
        inside = [[(j - i >= k) if upper else (j - i <= k) for j in range(columns)] for i in range(rows)]
        return np.array(
            [[[v if s else 0.0 for v, s in zip(*r, strict=True)] for r in zip(m, inside, strict=True)] for m in x]
        )

    return formula


CASES = [
    *(
        Case(f"{name}_{k}".replace("-", "minus"), [draw(2, 3, 4)], triangle(upper, k), {"upper": upper, "k": k})
        for name, upper in (("upper", True), ("lower", False))
        for k in (0, 1, -1, 5, -5)
    ),
    Case("dtypes", [draw(1, 3, 3)], triangle(True, 1), {"upper": True, "k": 1}, dtypes=ALL_FLOATS),
    Case("symbolic", [draw(2, 3, 4)], triangle(False, 0), {"upper": False, "k": 0}, ["b n m"]),
    Case("hides_nan", [[[1.0, NAN], [2.0, 3.0]]], [[[1.0, 0.0], [2.0, 3.0]]], {"upper": False, "k": 0}, orders=0),
    Case("empty", [np.zeros((0, 2, 2))], [np.zeros((0, 2, 2))], {"upper": True, "k": 0}, ["n _ _"]),
    Case("bool", [np.ones((2, 2), bool)], [np.array([[True, True], [False, True]])], {"upper": True, "k": 0}),
]
