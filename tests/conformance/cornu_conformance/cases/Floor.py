"""The largest whole number that is not larger; constant for differentiation."""

import math

from cornu_conformance.case import INF, NAN, Case, unary

CASES = [
    *unary(math.floor, edges={-0.5: -1.0, 2.0: 2.0, -INF: -INF, NAN: NAN}, orders=0),
    Case("near_whole", [[0.99999994, -1e-7, 1e-7, 1.9999999, -1.0000001]], [[0.0, -1.0, 0.0, 1.0, -2.0]], orders=0),
]
