"""(e^x - e^-x) / (e^x + e^-x)"""

import math

from cornu_conformance.case import INF, unary

CASES = [
    *unary(math.tanh, edges={-INF: -1.0, 0.0: 0.0, 1e-10: 1e-10, INF: 1.0, 50.0: 1.0}),
]
