"""The inverse hyperbolic sine"""

import math

from cornu_conformance.case import INF, between, unary

CASES = [
    *unary(math.asinh, between(-4.0, 4.0), {0.0: 0.0, 1e-10: 1e-10, INF: INF, -1e20: math.asinh(-1e20)}),
]
