"""x * y"""

import numpy as np

from cornu_conformance.case import INF, NAN, Case, binary, whole

CASES = [
    *binary(lambda x, y: x * y, edges=[(INF, -1.0, -INF), (INF, 0.0, NAN), (NAN, 0.0, NAN)]),
    *binary(lambda x, y: x * y, whole, whole, dtypes=("int8", "int32", "int64"), orders=0, prefix="int_"),
    Case("wraps", [np.array([16, 3], np.uint8), np.array([17, 5], np.uint8)], [np.array([16, 15], np.uint8)]),
    Case(
        "wraps_64_bits",
        [np.array([2**63 + 1], np.uint64), np.array([3], np.uint64)],
        [np.array([2**63 + 3], np.uint64)],
    ),
]
