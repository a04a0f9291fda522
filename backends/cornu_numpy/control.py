"""Sub-programs of branches and loops, planned like the program around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from cornu.ir.interpret import BoundBody
from cornu.ir.program import Program

if TYPE_CHECKING:
    from cornu_numpy.plan import Plan


def planned_body(
    body: Program, sizes: Mapping[str, int], make_plan: Callable[[Program, Mapping[str, int]], Plan]
) -> BoundBody:
    """A sub-program as the reference kernels of control structures take it; planned when it first runs."""
    plans: list[Plan] = []

    def run(program: Program, arrays: Sequence[np.ndarray], given: Mapping[str, int]) -> list[np.ndarray]:
        if not plans:
            plans.append(make_plan(body, sizes))
        return plans[0].run(arrays)

    return BoundBody(body, sizes, run)


def scan(
    *arrays: np.ndarray, body: BoundBody, carries: int, sequences: int, length: int, reverse: bool
) -> list[np.ndarray]:
    """A loop whose results are written to their places step by step."""
    state: Sequence[np.ndarray] = arrays[:carries]
    xs, constants = arrays[carries : carries + sequences], arrays[carries + sequences :]
    results = [np.empty((length, *shape), dtype) for dtype, shape in body.output_types[carries:]]
    for t in reversed(range(length)) if reverse else range(length):
        outputs = body(*state, *[x[t] for x in xs], *constants)
        state = outputs[:carries]
        for result, element in zip(results, outputs[carries:], strict=True):
            result[t] = element
    return [*state, *results]


KERNELS: dict[str, Any] = {"Scan": scan}
"""Kernels that return their results, in the place of the reference kernels."""
