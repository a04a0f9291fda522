"""The square root; NaN of negative numbers, and an infinite derivative at 0."""

import math

from cornu_conformance.case import INF, NAN, Case, between, unary

CASES = [
    *unary(math.sqrt, between(0.1, 4.0), {0.0: 0.0, INF: INF, -1.0: NAN, NAN: NAN}),
    Case("gradient_at_zero", [[0.0, 4.0]], [[0.0, 2.0]], orders=0, gradient=[[INF, 0.25]]),
]
