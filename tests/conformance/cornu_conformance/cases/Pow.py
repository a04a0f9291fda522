"""x to the power of y; at a base of 0 and below, the derivative by the exponent is 0."""

import numpy as np

from cornu_conformance.case import INF, NAN, Case, between, binary

CASES = [
    *binary(
        lambda x, y: x**y,
        between(0.25, 2.0),
        edges=[
            (0.0, 0.0, 1.0),
            (0.0, 2.0, 0.0),
            (0.0, -1.0, INF),
            (-2.0, 3.0, -8.0),
            (-2.0, 0.5, NAN),
            (INF, 0.0, 1.0),
            (2.0, -INF, 0.0),
        ],
    ),
    Case("negative_base", [[-2.0, -1.5], [2.0, 3.0]], [[4.0, -3.375]], gradient=[[-4.0, 6.75], [0.0, 0.0]], orders=0),
    Case(
        "zero_base",
        [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.5]],
        [[1.0, 0.0, 0.0, 0.0]],
        gradient=[[0.0, 1.0, 0.0, INF], [0.0, 0.0, 0.0, 0.0]],
        orders=0,
    ),
    Case(
        "integers",
        [np.array([2, -3, 7, 0, 1, -1, 2, 3]), np.array([10, 3, 0, 0, -5, -3, -1, 39])],
        [np.array([1024, -27, 1, 1, 1, -1, 0, 4052555153018976267])],
    ),
]
