"""The cosine"""

import math

from cornu_conformance.case import INF, NAN, unary

CASES = [
    *unary(math.cos, edges={0.0: 1.0, math.pi: -1.0, INF: NAN}),
]
