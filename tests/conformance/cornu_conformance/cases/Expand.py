"""Axes of size 1 stretched, and new ones in front"""

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import ALL_FLOATS, Case, draw

N = symbol("n")
CASES = [
    Case("typical", [draw(3, 1)], lambda x: np.hstack([x] * 4), {"shape": (3, 4)}, dtypes=ALL_FLOATS),
    Case("new_axes", [draw(3)], lambda x: np.array([[x, x]]), {"shape": (1, 2, 3)}),
    Case("scalar", [draw()], lambda x: np.array([[x, x]]), {"shape": (1, 2)}),
    Case("same", [draw(2, 3)], lambda x: x, {"shape": (N, 3)}, ["n _"]),
    Case(
        "to_symbol", [draw(1, 2), np.zeros(3)], lambda x: np.vstack([x] * 3), {"shape": (N, 2)}, ["", "n"], operands=1
    ),
    Case("empty", [draw(1, 2), np.zeros(0)], [np.zeros((0, 2))], {"shape": (N, 2)}, ["", "n"], operands=1),
    Case("bool", [np.array([True])], [np.array([True, True])], {"shape": (2,)}),
    Case("nothing", [np.zeros((0, 1))], [np.zeros((0, 3))], {"shape": (0, 3)}),
]
