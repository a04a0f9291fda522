"""-1, 0 or 1; constant for differentiation."""

from cornu_conformance.case import ALL_FLOATS, INF, NAN, Case, distinct, unary

CASES = [
    *unary(
        lambda x: (x > 0) - (x < 0),
        distinct,
        {-INF: -1.0, 0.0: 0.0, INF: 1.0, NAN: NAN},
        (*ALL_FLOATS, "int8", "int64"),
        orders=0,
    ),
    Case("tiny", [[1e-30, -1e-30]], [[1.0, -1.0]], orders=0),
]
