"""e to the power of x"""

import math

from cornu_conformance.case import INF, NAN, unary

CASES = [
    *unary(math.exp, edges={-INF: 0.0, 0.0: 1.0, INF: INF, 1000.0: INF, -1000.0: 0.0, NAN: NAN}),
]
