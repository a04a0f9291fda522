"""Giving a step the buffers of the variables that it updates, and telling what became of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import Lock, get_ident
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from cornu.tracing.compiled import Run
    from cornu.tracing.tensor import ConcreteTensor
    from cornu.tracing.variable import Variable

Updated: TypeAlias = "tuple[int, Variable]"

COUNTED = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether this Python counts references, so that one can tell who else holds a tensor."""

_one = [object()]
_ALONE = sys.getrefcount(_one[0]) if COUNTED else 0
"""What is counted for an object that only a list refers to."""


class Donation:
    """Stands in variables for the values that a running step was given; for the lost ones, if it fails.

    A step is given the buffers of all variables that it reads and writes. Where nobody but the variable refers to its
    tensor, that is the variable's own buffer: whoever could see it change would have to refer to the tensor. Else it
    is a copy. So a program is always run with the same donated positions, and a backend compiles it once.

    As a context manager it is around the step and the assignment of its results.
    """

    def __init__(self) -> None:
        self._operands: list[ConcreteTensor] = []
        self._taken: list[Updated] = []
        self._started = False
        self._lost = ""
        self._thread = get_ident()
        self._running = Lock()

    def __enter__(self) -> Donation:
        self._running.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._fail(error)
        self._operands, self._taken = [], []  # a variable that is lost keeps this
        self._running.release()

    def take(self, run: Run, operands: list[ConcreteTensor], variables: Sequence[Updated]) -> None:
        """Takes the variables' values, or copies of them.

        Args:
            run: What is about to start.
            operands: Its operands; nothing else of the caller's may refer to them.
            variables: The variables, with their places among the operands.
        """
        self._operands = operands
        for place in variables:
            i, variable = place
            # First out of the variable, then counted: a thread that has read it before is counted, a later one waits.
            if variable.exchange(operands[i], self):
                if sys.getrefcount(operands[i]) == _ALONE:
                    self._taken.append(place)
                    continue
                variable.exchange(self, operands[i])
            run.copy(i, operands[i])
        self._started = True

    def _fail(self, error: BaseException) -> None:
        spent = getattr(error, "spent", None) if self._started else frozenset()
        lost = [variable.path for i, variable in self._taken if spent is None or i in spent]
        if lost:
            self._lost = f"the step that was to update it has failed ({type(error).__name__}: {error})"
            error.add_note(f"The values of these variables are lost: {_listed(lost)}. {_REMEDY}")
        for i, variable in self._taken:
            if spent is not None and i not in spent:
                variable.exchange(self, self._operands[i])

    def wait(self, variable: Variable) -> None:
        """Returns when the step has ended.

        Raises:
            RuntimeError: If the variable's value was lost, or if it is this thread's own step that has not ended.
        """
        if not self._lost and self._thread == get_ident():
            raise RuntimeError(f"Variable {variable.path} has no value while the step runs that updates it.")
        with self._running:
            pass
        if self._lost:
            raise RuntimeError(f"The value of variable {variable.path} is lost: {self._lost}. {_REMEDY}")


_REMEDY = "Assign new ones: load the weights, and the state of the optimizer, or build both anew."


def _listed(paths: Sequence[str], most: int = 20) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
