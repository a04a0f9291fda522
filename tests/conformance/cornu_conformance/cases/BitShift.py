"""Bits moved to the left or right, zeros filling up; an amount of the width or more gives 0."""

import numpy as np

from cornu_conformance.case import FLOAT32, Case


def shift(name: str, dtype: str, x: list[int], amount: list[int], left: list[int], right: list[int]) -> list[Case]:
    operands = [np.array(x, dtype), np.array(amount, dtype)]
    return [
        Case(f"{name}_left", operands, [np.array(left, dtype)], {"direction": "LEFT"}, ["n", "n"], FLOAT32),
        Case(f"{name}_right", operands, [np.array(right, dtype)], {"direction": "RIGHT"}, ["n", "n"], FLOAT32),
    ]


CASES = [
    *shift("8_bits", "uint8", [1, 129, 255, 255], [3, 1, 8, 9], [8, 2, 0, 0], [0, 64, 0, 0]),
    *shift("32_bits", "uint32", [1, 2**31 + 1, 5], [31, 1, 32], [2**31, 2, 0], [0, 2**30, 0]),
    *shift("64_bits", "uint64", [1, 2**63 + 3, 5], [63, 1, 64], [2**63, 6, 0], [0, 2**62 + 1, 0]),
    Case(
        "broadcast",
        [np.array([[1], [2]], np.uint32), np.array([0, 4], np.uint32)],
        [np.array([[1, 16], [2, 32]], np.uint32)],
        {"direction": "LEFT"},
    ),
    Case(
        "empty", [np.zeros(0, np.uint8), np.array(1, np.uint8)], [np.zeros(0, np.uint8)], {"direction": "RIGHT"}, ["n"]
    ),
]
