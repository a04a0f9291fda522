"""The nearest whole number, of two the even one; constant for differentiation."""

from cornu_conformance.case import INF, NAN, Case, unary

CASES = [
    *unary(
        round,
        edges={0.5: 0.0, 1.5: 2.0, 2.5: 2.0, -0.5: -0.0, -1.5: -2.0, 4.25: 4.0, INF: INF, -INF: -INF, NAN: NAN},
        orders=0,
    ),
    Case("near_half", [[0.49999997, 0.50000006, -1.4999999, 2.5000002]], [[0.0, 1.0, -1.0, 3.0]], orders=0),
]
