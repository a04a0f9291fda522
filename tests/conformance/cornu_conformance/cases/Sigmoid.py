"""1 / (1 + e^-x)"""

import math

from cornu_conformance.case import INF, NAN, between, unary

CASES = [
    *unary(
        lambda x: 1 / (1 + math.exp(-x)),
        between(-4.0, 4.0),
        {-INF: 0.0, 0.0: 0.5, INF: 1.0, -1000.0: 0.0, 1000.0: 1.0, NAN: NAN},
    ),
]
