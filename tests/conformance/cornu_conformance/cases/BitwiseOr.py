"""Bit by bit or"""

import numpy as np

from cornu_conformance.case import FLOAT32, Case

CASES = [
    Case(
        "bits",
        [np.array([0b1100, 0b0101], np.uint32), np.array([0b1010, 0b1110], np.uint32)],
        [np.array([0b1110, 0b1111], np.uint32)],
        symbolic=["n", "n"],
        dtypes=FLOAT32,
    ),
    Case("signed", [np.array([-1, -8], np.int8), np.array([3, 12], np.int8)], [np.array([-1 | 3, -8 | 12], np.int8)]),
    Case(
        "wide",
        [np.array([2**63 + 5], np.uint64), np.array([2**63 + 3], np.uint64)],
        [np.array([(2**63 + 5) | (2**63 + 3)], np.uint64)],
        dtypes=FLOAT32,
    ),
    Case(
        "broadcast",
        [np.array([[1], [2]]), np.array([3, 4])],
        [np.array([[1 | 3, 1 | 4], [2 | 3, 2 | 4]])],
        dtypes=FLOAT32,
    ),
    Case(
        "empty",
        [np.zeros((0, 2), np.uint8), np.ones(2, np.uint8)],
        [np.zeros((0, 2), np.uint8)],
        symbolic=["n _"],
        dtypes=FLOAT32,
    ),
]
