"""The sine"""

import math

from cornu_conformance.case import INF, NAN, unary

CASES = [
    *unary(math.sin, edges={0.0: 0.0, math.pi / 2: 1.0, INF: NAN}),
]
