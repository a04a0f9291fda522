"""Derivatives by central finite differences, in float64 on the reference kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cornu.ir.differentiate import vjp_program
from cornu.ir.interpret import evaluate
from cornu.ir.program import Program
from cornu.ir.types import is_float
from cornu.ir.verify import verify

STEP = 1e-6
TOLERANCE = 2e-5


def float_positions(program: Program) -> list[bool]:
    """Which inputs can have a cotangent."""
    return [is_float(value.dtype) for value in program.inputs]


def check_derivative(program: Program, arrays: Sequence[np.ndarray], orders: int = 1, seed: int = 0) -> None:
    """Compares the gradients of a random combination of a program's outputs with differences along random directions.

    Args:
        program: The program; its floats are float64.
        arrays: Where to differentiate.
        orders: How many derivatives to check: the second one is that of the first one's program.
        seed: Of the combination and the directions.

    Raises:
        AssertionError: If they differ, with the input.
    """
    verify(program)
    wanted = float_positions(program)
    rule = vjp_program(program, wanted)
    verify(rule)
    random = np.random.default_rng(seed)
    cotangents = [random.normal(size=y.shape) for y in evaluate(program, arrays) if y.dtype == np.float64]
    found = evaluate(rule, [*arrays, *cotangents])

    def loss(at: Sequence[np.ndarray]) -> float:
        floats = [y for y in evaluate(program, at) if y.dtype == np.float64]
        return float(sum(np.sum(y * g) for y, g in zip(floats, cotangents, strict=True)))

    for i, gradient in zip([i for i, want in enumerate(wanted) if want], found, strict=True):
        assert gradient.shape == arrays[i].shape, f"input {i}: {gradient.shape} for {arrays[i].shape}"
        direction = random.normal(size=arrays[i].shape)
        ahead, behind = list(arrays), list(arrays)
        ahead[i], behind[i] = arrays[i] + STEP * direction, arrays[i] - STEP * direction
        numeric = (loss(ahead) - loss(behind)) / (2 * STEP)
        exact = float(np.sum(gradient * direction))
        assert abs(numeric - exact) <= TOLERANCE * (1 + abs(numeric)), f"input {i}: {exact}, by differences {numeric}"
    if orders > 1:
        check_derivative(rule, [*arrays, *cotangents], orders - 1, seed + 1)
