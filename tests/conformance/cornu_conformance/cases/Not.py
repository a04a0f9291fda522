"""Logical negation"""

import numpy as np

from cornu_conformance.case import FLOAT32, Case

CASES = [
    Case("both", [np.array([True, False])], [np.array([False, True])], symbolic=["n"], dtypes=FLOAT32),
    Case("scalar", [np.array(True)], [np.array(False)], dtypes=FLOAT32),
    Case("empty", [np.zeros((0, 2), bool)], [np.zeros((0, 2), bool)], symbolic=["n _"], dtypes=FLOAT32),
]
