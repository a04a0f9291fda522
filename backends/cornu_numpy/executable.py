"""Executables: a program, and a plan for each set of sizes that it has met."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from cornu.backend.contract import NodeEvent
from cornu.ir.program import Program

from cornu_numpy.plan import Plan

PLANS = 16
"""How many plans an executable keeps, one for each combination of input shapes."""

_NOTHING: frozenset[int] = frozenset()


class NumpyExecutable:
    """A compiled program: call it with one array per input.

    It keeps no state between calls but memory to compute in, and may be called from several threads at a time.

    Args:
        program: A program of primitives only.
        profile: Whether it notes what its nodes cost.
    """

    def __init__(self, program: Program, profile: bool = False) -> None:
        self.program = program
        self._events: list[NodeEvent] | None = [] if profile else None
        self._plans: OrderedDict[tuple[tuple[int, ...], ...], Plan] = OrderedDict()
        self._lock = Lock()

    def __call__(self, inputs: Sequence[np.ndarray], donate: frozenset[int] = _NOTHING) -> list[np.ndarray]:
        """Runs the program.

        Args:
            inputs: One array per input, of its dtype and shape.
            donate: Positions of inputs whose memory may become an output's; the caller must not use them any more.

        Returns:
            Arrays that share memory neither with each other nor with an input that was not donated.

        Raises:
            ValueError: If the arrays do not fit the program's inputs.
            BackendError: If a node fails; the error names the node and its layer.
        """
        shapes = tuple([array.shape for array in inputs])
        plan = self._plans.get(shapes)
        if plan is None:
            plan = self._make_plan(inputs, shapes)
        return plan.run(inputs, donate)

    def profile(self) -> list[NodeEvent]:
        """What the nodes have cost since it was compiled or asked last, if that is noted at all."""
        events = list(self._events or ())
        del (self._events or [])[: len(events)]
        return events

    def synchronize(self) -> None:
        """Returns at once: a call ends when its work has ended."""

    def close(self) -> None:
        """Frees the plans and the memory that they compute in; a later call makes new ones."""
        with self._lock:
            self._plans.clear()

    def _make_plan(self, inputs: Sequence[np.ndarray], shapes: tuple[tuple[int, ...], ...]) -> Plan:
        sizes = self.program.check_inputs(shapes)
        plan = Plan(self.program, sizes, self._events)
        with self._lock:
            self._plans[shapes] = plan
            while len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        return plan
