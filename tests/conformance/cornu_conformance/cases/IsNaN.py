"""Whether x is NaN"""

from cornu_conformance.case import INF, NAN, Case, unary

CASES = [
    *unary(lambda x: x != x, orders=0, result=bool),
    Case("special", [[0.0, NAN, INF, -INF]], [[False, True, False, False]], orders=0),
]
