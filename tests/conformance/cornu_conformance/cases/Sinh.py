"""(e^x - e^-x) / 2"""

import math

from cornu_conformance.case import INF, unary

CASES = [
    *unary(math.sinh, edges={0.0: 0.0, 1e-10: 1e-10, INF: INF, 5.0: math.sinh(5)}, tolerance=4),
]
