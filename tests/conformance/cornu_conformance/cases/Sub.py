"""x - y"""

import numpy as np

from cornu_conformance.case import INF, NAN, Case, binary, whole

CASES = [
    *binary(lambda x, y: x - y, edges=[(INF, 1.0, INF), (INF, INF, NAN), (NAN, 1.0, NAN)]),
    *binary(lambda x, y: x - y, whole, whole, dtypes=("int8", "int32", "int64"), orders=0, prefix="int_"),
    Case("wraps", [np.array([0, 200], np.uint8), np.array([1, 100], np.uint8)], [np.array([255, 100], np.uint8)]),
]
