"""(e^x + e^-x) / 2"""

import math

from cornu_conformance.case import INF, unary

CASES = [
    *unary(math.cosh, edges={0.0: 1.0, -INF: INF, 5.0: math.cosh(5)}, tolerance=4),
]
