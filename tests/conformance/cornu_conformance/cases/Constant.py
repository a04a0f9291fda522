"""A tensor that is part of the program"""

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, NAN, Case, cast, draw

VALUE = draw(2, 3, seed=4)
CASES = [
    Case("typical", [], [VALUE], lambda dtype: {"value": cast(VALUE, dtype)}, dtypes=ALL_FLOATS),
    Case("scalar", [], [NAN], lambda dtype: {"value": cast(NAN, dtype)}),
    Case("integers", [], [np.array([2**63 - 1, -1])], {"value": np.array([2**63 - 1, -1])}, dtypes=FLOAT32),
    Case("bool", [], [np.array([True, False])], {"value": np.array([True, False])}, dtypes=FLOAT32),
    Case("empty", [], [np.zeros((0, 3))], lambda dtype: {"value": cast(np.zeros((0, 3)), dtype)}),
]
