"""The nearest whole number, of two the even one; constant for differentiation."""

from cornu_conformance.case import INF, NAN, unary

CASES = [
    *unary(
        round,
        edges={0.5: 0.0, 1.5: 2.0, 2.5: 2.0, -0.5: -0.0, -1.5: -2.0, 4.25: 4.0, INF: INF, -INF: -INF, NAN: NAN},
        orders=0,
    ),
]
