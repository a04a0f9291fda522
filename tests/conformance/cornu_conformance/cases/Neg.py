"""-x"""

from cornu_conformance.case import ALL_FLOATS, INF, NAN, unary

CASES = [
    *unary(lambda x: -x, dtypes=(*ALL_FLOATS, "int8", "int32", "int64"), edges={INF: -INF, 0.0: -0.0, NAN: NAN}),
]
