"""A size as an int64 scalar"""

import numpy as np
from cornu.ir.dim import floor_div, maximum, symbol

from cornu_conformance.case import FLOAT32, Case

N, M = symbol("n"), symbol("m")


def size(name: str, dim: object, expected: int) -> Case:
    operands = [np.zeros((5, 3))]
    return Case(name, operands, [np.array(expected)], {"size": dim}, ["n m"], FLOAT32, orders=0, operands=0)


CASES = [
    size("number", 7, 7),
    size("symbol", N, 5),
    size("product", N * M + 1, 16),
    size("floor", floor_div(N - 1, 3), 1),
    size("floor_of_negative", floor_div(1 - N, 3), -2),
    size("maximum", maximum(N - 4, M - 1), 2),
    size("quotient_of_symbols", floor_div(N * 2, M), 3),
]
