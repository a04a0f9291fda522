"""A loop over the first axis of sequences, with values carried from step to step"""

from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, symbol
from cornu.ir.types import TensorType

from cornu_conformance.case import TWO_FLOATS, Case, draw

T, N = symbol("t"), symbol("n")


def loop(dtype: str, length: DimLike, reverse: bool = False) -> dict[str, Any]:
    """`state = state * weight + x`; every step gives `state * x`."""
    b = Builder("step")
    state, x = b.input(TensorType(dtype, (N, 2)), "state"), b.input(TensorType(dtype, (N, 2)), "x")
    weight = b.input(TensorType(dtype, (2,)), "weight")
    following = b.Add(b.Mul(state, weight), x)
    body = b.finish([following, b.Mul(following, x)])
    return {"body": body, "carries": 1, "sequences": 1, "length": length, "reverse": reverse}


def forwards(state: np.ndarray, xs: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    results = []
    for x in xs:
        state = state * weight + x
        results.append(state * x)
    return state, np.array(results).reshape(xs.shape)


def backwards(state: np.ndarray, xs: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    state, results = forwards(state, xs[::-1], weight)
    return state, results[::-1]


OPERANDS = [draw(3, 2, seed=1), draw(4, 3, 2, seed=2), draw(2, seed=3, low=-1, high=1)]
SYMBOLS = ["n _", "t n _", "_"]


def counter(dtype: str) -> dict[str, Any]:
    """No sequence and no constant: `2 * state`, and the state before."""
    b = Builder("double")
    state = b.input(TensorType(dtype, ()), "state")
    body = b.finish([b.Mul(state, 2.0), b.Identity(state)])
    return {"body": body, "carries": 1, "sequences": 0, "length": 4, "reverse": False}


CASES = [
    Case("forwards", OPERANDS, forwards, lambda dtype: loop(dtype, T), SYMBOLS, TWO_FLOATS, tolerance=4),
    Case("backwards", OPERANDS, backwards, lambda dtype: loop(dtype, T, True), SYMBOLS, TWO_FLOATS, tolerance=4),
    Case("fixed_length", OPERANDS, forwards, lambda dtype: loop(dtype, 4), ["n _", "", "_"], TWO_FLOATS, tolerance=4),
    Case("one_step", [OPERANDS[0], OPERANDS[1][:1], OPERANDS[2]], forwards, lambda dtype: loop(dtype, T), SYMBOLS),
    Case("no_step", [OPERANDS[0], OPERANDS[1][:0], OPERANDS[2]], forwards, lambda dtype: loop(dtype, T), SYMBOLS),
    Case("no_sequence", [1.5], [24.0, [1.5, 3.0, 6.0, 12.0]], counter),
]
