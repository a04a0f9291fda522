"""The natural logarithm"""

import math

from cornu_conformance.case import INF, NAN, Case, between, unary

CASES = [
    *unary(math.log, between(0.1, 4.0), {0.0: -INF, 1.0: 0.0, INF: INF, -1.0: NAN}),
    Case("gradient_at_zero", [[0.0, 4.0]], [[-INF, math.log(4)]], orders=0, gradient=[[INF, 0.25]]),
]
