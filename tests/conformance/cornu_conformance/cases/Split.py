"""Consecutive parts of an axis, of given sizes"""

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import ALL_FLOATS, Case, draw

N = symbol("n")
CASES = [
    Case("typical", [draw(5, 2)], lambda x: (x[:2], x[2:]), {"axis": 0, "sizes": (2, 3)}, dtypes=ALL_FLOATS),
    Case("columns", [draw(2, 4)], lambda x: (x[:, :1], x[:, 1:2], x[:, 2:]), {"axis": 1, "sizes": (1, 1, 2)}, ["n _"]),
    Case("symbolic", [draw(5)], lambda x: (x[:1], x[1:]), {"axis": 0, "sizes": (1, N - 1)}, ["n"]),
    Case("one", [draw(3)], lambda x: x, {"axis": 0, "sizes": (3,)}),
    Case("with_nothing", [draw(3)], lambda x: (x[:0], x), {"axis": 0, "sizes": (0, 3)}),
    Case("empty", [np.zeros((0, 2))], [np.zeros((0, 1)), np.zeros((0, 1))], {"axis": 1, "sizes": (1, 1)}, ["n _"]),
    Case("integers", [np.arange(3)], [np.array([0]), np.array([1, 2])], {"axis": 0, "sizes": (1, 2)}),
]
