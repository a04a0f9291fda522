"""2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x"""

import math

from cornu_conformance.case import INF, NAN, between, unary

CASES = [
    *unary(
        math.erf,
        between(-3.0, 3.0),
        {0.0: 0.0, 1e-10: math.erf(1e-10), 1.0: math.erf(1.0), INF: 1.0, -INF: -1.0, 9.0: 1.0, NAN: NAN},
    ),
]
