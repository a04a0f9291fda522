"""x / y; of integers the quotient without its fraction, and 0 where the divisor is 0."""

import numpy as np
from cornu.ir.types import INTEGERS

from cornu_conformance.case import INF, NAN, Case, between, binary, draw

CASES = [
    *binary(
        lambda x, y: x / y,
        draw,
        between(0.5, 3.0),
        edges=[(1.0, 0.0, INF), (-1.0, 0.0, -INF), (0.0, 0.0, NAN), (1.0, INF, 0.0), (INF, INF, NAN)],
    ),
    Case(
        "integers",
        [np.array([7, -7, 7, -7, 6, 0]), np.array([2, 2, -2, -2, 3, 5])],
        [np.array([3, -3, -3, 3, 2, 0])],
    ),
    Case("by_zero", [np.array([5, -5, 0], np.int32), np.zeros(3, np.int32)], [np.zeros(3, np.int32)]),
    Case("unsigned", [np.array([200, 7], np.uint8), np.array([3, 0], np.uint8)], [np.array([66, 0], np.uint8)]),
    *(
        Case(
            f"{dtype}_numbers",
            [np.array([0, 7, 100, 9], dtype), np.array([3, 2, 7, 9], dtype)],
            [np.array([0, 3, 14, 1], dtype)],
        )
        for dtype in INTEGERS
    ),
]
