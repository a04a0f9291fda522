"""x, as a constant for differentiation."""

from cornu_conformance.case import ALL_FLOATS, INF, NAN, Case, unary

CASES = [
    *unary(lambda x: x, edges={INF: INF, NAN: NAN}, dtypes=(*ALL_FLOATS, "bool", "int8", "uint16", "int64"), orders=0),
    Case("no_gradient", [[1.0, 2.0]], [[1.0, 2.0]], orders=0, gradient=[[0.0, 0.0]]),
]
