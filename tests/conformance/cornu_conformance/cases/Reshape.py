"""The same elements, in row-major order, in another shape"""

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import ALL_FLOATS, Case, draw

N, M = symbol("n"), symbol("m")
CASES = [
    Case("typical", [draw(2, 6)], lambda x: x.ravel().reshape(3, 4), {"shape": (3, 4)}, dtypes=ALL_FLOATS),
    Case("flatten", [draw(2, 3, 2)], lambda x: x.ravel().reshape(2, 6), {"shape": (N, M * 2)}, ["n m _"]),
    Case("merge_symbols", [draw(2, 3, 4)], lambda x: x.ravel().reshape(6, 4), {"shape": (N * M, 4)}, ["n m _"]),
    Case("split_symbol", [draw(6, 2)], lambda x: x.ravel().reshape(6, 1, 2), {"shape": (N, 1, 2)}, ["n _"]),
    Case("to_scalar", [draw(1, 1)], lambda x: x.ravel()[0], {"shape": ()}),
    Case("from_scalar", [draw()], lambda x: np.array([[x]]), {"shape": (1, 1)}),
    Case("empty", [np.zeros((0, 4))], [np.zeros((0, 2, 2))], {"shape": (N, 2, 2)}, ["n _"]),
    Case("bool", [np.array([True, False])], [np.array([[True], [False]])], {"shape": (2, 1)}),
]
