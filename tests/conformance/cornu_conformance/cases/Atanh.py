"""The inverse hyperbolic tangent"""

import math

from cornu_conformance.case import INF, NAN, between, unary

CASES = [
    *unary(math.atanh, between(-0.9, 0.9), {0.0: 0.0, 1e-10: 1e-10, 1.0: INF, -1.0: -INF, 1.5: NAN}),
]
