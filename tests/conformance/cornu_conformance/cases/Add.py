"""x + y"""

import numpy as np

from cornu_conformance.case import INF, NAN, Case, binary, whole

CASES = [
    *binary(lambda x, y: x + y, edges=[(INF, 1.0, INF), (INF, -INF, NAN), (NAN, 1.0, NAN)]),
    *binary(lambda x, y: x + y, whole, whole, dtypes=("int8", "int32", "int64"), orders=0, prefix="int_"),
    Case("wraps", [np.array([127, -128], np.int8), np.array([1, -1], np.int8)], [np.array([-128, 127], np.int8)]),
]
