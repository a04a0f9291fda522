"""start, start + step, start + 2 step, ..."""

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import FLOAT32, TWO_FLOATS, Case

N = symbol("n")
CASES = [
    Case("typical", [], [np.arange(4)], {"start": 0, "step": 1, "size": 4, "dtype": "int64"}, dtypes=FLOAT32),
    Case("steps", [], [np.array([5, 3, 1, -1], np.int32)], {"start": 5, "step": -2, "size": 4, "dtype": "int32"}),
    Case(
        "floats", [], [[2.0, 5.0]], lambda dtype: {"start": 2, "step": 3, "size": 2, "dtype": dtype}, dtypes=TWO_FLOATS
    ),
    Case("empty", [], [np.zeros(0, np.int64)], {"start": 3, "step": 1, "size": 0, "dtype": "int64"}, dtypes=FLOAT32),
    Case(
        "symbolic",
        [np.zeros(3)],
        [np.array([4, 3, 2, 1])],
        {"start": N + 1, "step": -1, "size": N + 1, "dtype": "int64"},
        ["n"],
        FLOAT32,
        orders=0,
        operands=0,
    ),
]
