"""The smallest whole number that is not smaller; constant for differentiation."""

import math

from cornu_conformance.case import INF, NAN, Case, unary

CASES = [
    *unary(math.ceil, edges={-0.5: -0.0, 2.0: 2.0, INF: INF, NAN: NAN}, orders=0),
    Case("near_whole", [[1.0000002, -1e-7, 1e-7, -1.9999998]], [[2.0, -0.0, 1.0, -1.0]], orders=0),
]
