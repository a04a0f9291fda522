"""The smallest whole number that is not smaller; constant for differentiation."""

import math

from cornu_conformance.case import INF, NAN, unary

CASES = [
    *unary(math.ceil, edges={-0.5: -0.0, 2.0: 2.0, INF: INF, NAN: NAN}, orders=0),
]
