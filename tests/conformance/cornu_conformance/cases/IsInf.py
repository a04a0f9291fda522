"""Whether x is infinite"""

import math

from cornu_conformance.case import INF, NAN, Case, unary

CASES = [
    *unary(math.isinf, orders=0, result=bool),
    Case("special", [[0.0, NAN, INF, -INF]], [[False, False, True, True]], orders=0),
]
