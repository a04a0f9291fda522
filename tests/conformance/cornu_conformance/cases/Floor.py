"""The largest whole number that is not larger; constant for differentiation."""

import math

from cornu_conformance.case import INF, NAN, unary

CASES = [
    *unary(math.floor, edges={-0.5: -1.0, 2.0: 2.0, -INF: -INF, NAN: NAN}, orders=0),
]
