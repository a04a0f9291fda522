"""The remainder with the sign of the divisor: x - y * floor(x / y); of integers 0 where the divisor is 0."""

import numpy as np

from cornu_conformance.case import NAN, Case, between, binary

CASES = [
    *binary(
        lambda x, y: x % y,
        between(-4.0, 4.0),
        between(0.5, 1.5),
        edges=[(5.5, 2.0, 1.5), (-5.5, 2.0, 0.5), (5.5, -2.0, -0.5), (-5.5, -2.0, -1.5), (1.0, 0.0, NAN)],
        dtypes=("float32", "float64"),
        orders=0,
    ),
    Case(
        "gradient",
        [[-5.5, 5.25, 0.75], [2.0, 2.0, 2.0]],
        [[0.5, 1.25, 0.75]],
        gradient=[[1.0, 1.0, 1.0], [3.0, -2.0, 0.0]],
    ),
    Case(
        "integers",
        [np.array([7, -7, 7, -7, 6, 0, 5]), np.array([3, 3, -3, -3, 3, 5, 0])],
        [np.array([1, 2, -2, -1, 0, 0, 0])],
    ),
    Case("unsigned", [np.array([200, 7], np.uint8), np.array([7, 0], np.uint8)], [np.array([4, 0], np.uint8)]),
    Case("full_precision", [[5.0000005, 7.0000005], [2.0, 4.0]], [[1.0000005, 3.0000005]], orders=0),
]
