"""All operands but the last, unchanged, and only once the last one is known"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, Case, draw

CASES = [
    Case("one", [draw(2, 3), draw(1, seed=1)], lambda x, y: x, symbolic=["n _", ""], dtypes=ALL_FLOATS),
    Case("several", [draw(2, seed=1), np.array([True]), draw(2, seed=2)], lambda x, y, z: (x, y)),
    Case("empty", [np.zeros((0, 3)), draw()], lambda x, y: x, symbolic=["n _"]),
]
