"""The inverse tangent"""

import math

from cornu_conformance.case import INF, between, unary

CASES = [
    *unary(
        math.atan,
        between(-4.0, 4.0),
        {0.0: 0.0, 1e-10: 1e-10, INF: math.pi / 2, -INF: -math.pi / 2, 1e4: math.atan(1e4)},
    ),
]
