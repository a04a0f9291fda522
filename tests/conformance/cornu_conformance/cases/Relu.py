"""max(x, 0); its derivative at 0 is 0."""

from cornu_conformance.case import INF, NAN, Case, distinct, unary

CASES = [
    *unary(lambda x: max(x, 0), distinct, {-INF: 0.0, 0.0: 0.0, INF: INF, NAN: NAN}),
    Case("kink", [[-2.0, 0.0, 3.0]], [[0.0, 0.0, 3.0]], orders=0, gradient=[[0.0, 0.0, 1.0]]),
]
