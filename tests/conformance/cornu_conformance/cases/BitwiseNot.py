"""Every bit inverted"""

import numpy as np

from cornu_conformance.case import FLOAT32, Case

CASES = [
    Case("signed", [np.array([0, -1, 5, -128], np.int8)], [np.array([-1, 0, -6, 127], np.int8)], dtypes=FLOAT32),
    Case("unsigned", [np.array([0, 255, 5], np.uint8)], [np.array([255, 0, 250], np.uint8)], dtypes=FLOAT32),
    Case("wide", [np.array([0, 2**64 - 1], np.uint64)], [np.array([2**64 - 1, 0], np.uint64)], dtypes=FLOAT32),
    Case("symbolic", [np.array([[7], [8]])], [np.array([[-8], [-9]])], symbolic=["n _"], dtypes=FLOAT32),
    Case("empty", [np.zeros((0, 2), np.uint32)], [np.zeros((0, 2), np.uint32)], dtypes=FLOAT32),
]
