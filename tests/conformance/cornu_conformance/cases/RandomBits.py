"""Words of 32 random bits from a key and each element's position, the same on every backend"""

from collections.abc import Sequence

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import FLOAT32, Case

N = symbol("n")
MASK = 2**32 - 1


def mixed(x: int) -> int:
    """The hash of the definition, in Python's integers."""
    x ^= x >> 16
    x = x * 0x7FEB352D & MASK
    x ^= x >> 15
    x = x * 0x846CA68B & MASK
    return x ^ x >> 16


def word(k0: int, k1: int, element: int) -> int:
    i, j = divmod(element, 4096)
    a = mixed(mixed((i + k0) & MASK) ^ k1)
    b = mixed((a + k0 * 0x9E3779B9 + 1) & MASK) | 1
    x = (mixed((j + 0x9E3779B9) & MASK) + a) * b & MASK
    x = (x ^ x >> 16) * 0x7FEB352D & MASK
    return x ^ x >> 15


def case(name: str, k0: int, k1: int, shape: Sequence[int], symbolic_shape: object = None) -> Case:
    words = [word(k0, k1, element) for element in range(int(np.prod(shape)))]
    return Case(
        name,
        [np.array([k0, k1], np.uint32), np.zeros(shape[:1])],
        [np.array(words, np.uint32).reshape(shape)],
        {"shape": symbolic_shape or tuple(shape)},
        ["", "n"],
        FLOAT32,
        orders=0,
        operands=1,
    )


CASES = [
    case("typical", 1, 2, (3, 4)),
    case("zero_key", 0, 0, (2,)),
    case("largest_key", MASK, MASK, (2, 2)),
    case("second_row", 12345, 67890, (2, 4100)),
    case("exact_rows", 3, 4, (2, 4096)),
    case("symbolic", 5, 6, (3, 5), (N, 5)),
    case("symbolic_long", 5, 6, (3, 1500), (N, 1500)),
    case("empty", 7, 8, (0, 3), (N, 3)),
]
