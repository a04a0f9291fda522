"""Sub-programs of branches and loops, planned like the program around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from cornu.ir.interpret import BoundBody

if TYPE_CHECKING:
    from cornu_numpy.plan import Plan


def planned_body(plan: Plan, sizes: Mapping[str, int]) -> BoundBody:
    """A plan as the reference kernels of control structures take it."""
    return BoundBody(plan.program, sizes, lambda program, arrays, given: plan.run(arrays))


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
