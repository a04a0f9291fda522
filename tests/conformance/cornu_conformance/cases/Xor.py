"""Logical xor"""

import numpy as np

from cornu_conformance.case import FLOAT32, Case

X, Y = np.array([False, False, True, True]), np.array([False, True, False, True])
CASES = [
    Case("table", [X, Y], [np.array([False, True, True, False])], symbolic=["n", "n"], dtypes=FLOAT32),
    Case("broadcast", [np.array([[True], [True]]), Y[:2]], [np.array([[True, False]] * 2)], dtypes=FLOAT32),
    Case("scalar", [np.array(True), np.array(False)], [np.array(True)], dtypes=FLOAT32),
    Case("empty", [X[:0], Y[:1]], [X[:0]], symbolic=["n"], dtypes=FLOAT32),
]
