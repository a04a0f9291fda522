"""|x|; its derivative is 1 from 0 on and -1 below."""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, INF, NAN, Case, distinct, unary

CASES = [
    *unary(abs, distinct, {-INF: INF, -0.0: 0.0, NAN: NAN}, (*ALL_FLOATS, "int8", "int32", "int64")),
    Case("kink", [[-2.0, 0.0, 3.0]], [[2.0, 0.0, 3.0]], orders=0, gradient=[[-1.0, 1.0, 1.0]]),
    Case("unsigned", [np.array([0, 3, 255], np.uint8)], [np.array([0, 3, 255], np.uint8)], dtypes=FLOAT32),
]
