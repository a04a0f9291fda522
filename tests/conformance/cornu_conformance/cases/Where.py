"""The first where the condition holds, else the second; the one not chosen gets a zero cotangent."""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, INF, NAN, Case, draw, whole

MASK = np.array([[True, False, True], [False, False, True]])


def choose(condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    condition, x, y = np.broadcast_arrays(condition, x, y)
    return np.array([a if c else b for c, a, b in zip(condition.flat, x.flat, y.flat, strict=True)]).reshape(x.shape)


CASES = [
    Case("typical", [MASK, draw(2, 3, seed=1), draw(2, 3, seed=2)], choose, dtypes=ALL_FLOATS),
    Case("broadcast", [MASK, draw(3, seed=1), draw(2, 1, seed=2)], choose),
    Case("broadcast_condition", [MASK[:, :1], draw(2, 2, 3, seed=1), np.array(0.5)], choose),
    Case("symbolic", [MASK, draw(2, 3, seed=1), draw(3, seed=2)], choose, symbolic=["n _", "n _", "_"]),
    Case("empty", [MASK[:0], draw(3, seed=1), draw(0, 3, seed=2)], [np.zeros((0, 3))], symbolic=["n _", "_", "n _"]),
    Case("special", [np.array([True, False]), [1.0, NAN], [NAN, -INF]], [[1.0, -INF]], orders=0),
    Case(
        "integers", [MASK, whole(2, 3, seed=1), whole(3, seed=2)], choose, dtypes=("int8", "int32", "int64"), orders=0
    ),
    Case("bool", [MASK, np.array([True, False, False]), ~MASK], [np.array([[True, True, False], [True, True, False]])]),
]
