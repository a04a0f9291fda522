"""Every axis repeated as a whole"""

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import ALL_FLOATS, Case, draw, neighbours

N = symbol("n")
CASES = [
    Case("rows", [draw(2, 3)], lambda x: np.array([*x, *x]), {"repeats": (2, 1)}, dtypes=ALL_FLOATS),
    Case("both", [draw(1, 2)], lambda x: np.array([[*x[0]] * 3] * 2), {"repeats": (2, 3)}, ["_ _"]),
    Case("symbolic", [draw(2, 2)], lambda x: np.array([*x, *x, *x]), {"repeats": (3, 1)}, ["n _"]),
    Case("symbolic_repeats", [draw(2)], lambda x: np.array([*x, *x]), {"repeats": (N,)}, ["n"]),
    Case("no_times", [draw(2, 2)], [np.zeros((0, 2))], {"repeats": (0, 1)}),
    Case("scalar", [draw()], lambda x: x, {"repeats": ()}),
    Case("empty", [np.zeros((0, 2))], [np.zeros((0, 4))], {"repeats": (2, 2)}, ["n _"]),
    Case("bool", [np.array([True, False])], [np.array([True, False, True, False])], {"repeats": (2,)}),
    Case("full_precision", [neighbours(3)], lambda x: np.array([*x, *x]), {"repeats": (2,)}),
]
