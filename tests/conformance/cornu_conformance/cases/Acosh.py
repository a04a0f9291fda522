"""The inverse hyperbolic cosine"""

import math

from cornu_conformance.case import INF, NAN, between, unary

CASES = [
    *unary(math.acosh, between(1.2, 4.0), {1.0: 0.0, 0.5: NAN, INF: INF, 1e20: math.acosh(1e20)}),
]
