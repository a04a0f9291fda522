"""log(1 + e^x)"""

import math

from cornu_conformance.case import INF, NAN, Case, between, unary

CASES = [
    *unary(
        lambda x: math.log(1 + math.exp(x)),
        between(-4.0, 4.0),
        {-INF: 0.0, -40.0: math.exp(-40), 0.0: math.log(2), 1000.0: 1000.0, INF: INF, NAN: NAN},
    ),
    Case("slope", [[-1000.0, 0.0, 1000.0]], [[0.0, math.log(2), 1000.0]], orders=0, gradient=[[0.0, 0.5, 1.0]]),
]
