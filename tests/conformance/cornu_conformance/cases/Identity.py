"""x"""

from cornu_conformance.case import ALL_FLOATS, INF, NAN, unary

CASES = [
    *unary(lambda x: x, edges={INF: INF, NAN: NAN}, dtypes=(*ALL_FLOATS, "bool", "int8", "uint16", "int64")),
]
