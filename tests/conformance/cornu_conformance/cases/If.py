"""One of two programs, as a scalar condition says"""

from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.types import TensorType

from cornu_conformance.case import ALL_FLOATS, Case, draw

N = symbol("n")


def branches(dtype: str) -> dict[str, Any]:
    """`x * y` and `x - y`."""
    programs = {}
    for name, op in (("then", "Mul"), ("otherwise", "Sub")):
        b = Builder(name)
        x, y = b.input(TensorType(dtype, (N, 2)), "x"), b.input(TensorType(dtype, (2,)), "y")
        programs[name] = b.finish(b.emit(op, (x, y), {}))
    return programs


X, Y = draw(3, 2, seed=1), draw(2, seed=2)
SYMBOLS = ["", "n _", "_"]
CASES = [
    Case("then", [np.array(True), X, Y], lambda c, x, y: x * y, branches, SYMBOLS, ALL_FLOATS),
    Case("otherwise", [np.array(False), X, Y], lambda c, x, y: x - y, branches, SYMBOLS, ALL_FLOATS),
    Case("empty", [np.array(True), X[:0], Y], [X[:0]], branches, SYMBOLS),
]
