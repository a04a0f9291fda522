"""x equals y; NaN equals nothing."""

import numpy as np

from cornu_conformance.case import INF, NAN, Case, binary, whole

EDGES = [(NAN, NAN, False), (INF, INF, True), (0.0, -0.0, True), (NAN, 1.0, False)]
CASES = [
    *binary(lambda x, y: x == y, edges=EDGES, result=bool, orders=0),
    *binary(lambda x, y: x == y, whole, whole, dtypes=("int8", "int32", "int64"), result=bool, orders=0, prefix="int_"),
    Case("bool", [np.array([True, True, False]), np.array([True, False, False])], [np.array([True, False, True])]),
]
