"""Sub-programs of branches and loops, planned like the program around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from cornu.ir.dim import substitute
from cornu.ir.program import Program
from cornu.ir.types import numpy_dtype

if TYPE_CHECKING:
    from cornu_numpy.plan import Plan

MakePlan = Callable[[Program, Mapping[str, int]], "Plan"]


class PlannedBody:
    """A sub-program as a function of arrays, as the kernels of control structures take it; planned when it first runs.

    Args:
        program: The sub-program.
        sizes: Values of the enclosing program's symbols.
        make_plan: What makes its plan.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int], make_plan: MakePlan) -> None:
        self._program = program
        self._sizes = sizes
        self._make_plan = make_plan

    @cached_property
    def plan(self) -> Plan:
        """Its plan."""
        return self._make_plan(self._program, self._sizes)

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        return self.plan.run(arrays)

    @property
    def output_types(self) -> list[tuple[np.dtype, tuple[int, ...]]]:
        """The dtype and shape of each output."""
        return [
            (numpy_dtype(value.dtype), tuple(int(substitute(dim, self._sizes)) for dim in value.shape))
            for value in self._program.outputs
        ]


def scan(
    *arrays: np.ndarray, body: PlannedBody, carries: int, sequences: int, length: int, reverse: bool
) -> list[np.ndarray]:
    """A loop whose results are computed right into their places."""
    state: Sequence[np.ndarray] = arrays[:carries]
    xs, constants = arrays[carries : carries + sequences], arrays[carries + sequences :]
    results = [np.empty((length, *shape), dtype) for dtype, shape in body.output_types[carries:]]
    new_state: list[np.ndarray | None] = [None] * carries
    run = body.plan.run
    for t in reversed(range(length)) if reverse else range(length):
        # `[t, ...]` is a view where `[t]` is a number: of a vector.
        targets = [*new_state, *[result[t, ...] for result in results]]
        state = run([*state, *[x[t, ...] for x in xs], *constants], into=targets)[:carries]
    return [*state, *results]


KERNELS: dict[str, Any] = {"Scan": scan}
"""Kernels that return their results, in the place of the reference kernels."""
