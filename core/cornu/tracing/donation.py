"""Giving a step the buffers of the variables that it updates, and telling what became of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import Lock, get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.tracing.compiled import Run
    from cornu.tracing.tensor import ConcreteTensor
    from cornu.tracing.variable import Variable


def _references(tensors: Sequence[Any], i: int) -> int:
    return sys.getrefcount(tensors[i])


COUNTED = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
_ALONE = _references([object()], 0) if COUNTED else 0


class Donation:
    """Stands in variables for the values that a running step was given; for the lost ones, if it fails.

    A step is given the buffers of all variables that it reads and writes. Where nobody but the variable refers to its
    tensor, that is the variable's own buffer: whoever could see it change would have to refer to the tensor. Else it
    is a copy. So a program is always run with the same donated positions, and a backend compiles it once.

    As a context manager it is around the step and the assignment of its results.
    """

    def __init__(self) -> None:
        self._taken: dict[int, tuple[Variable, ConcreteTensor]] = {}
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
        self._running.release()

    def take(
        self, run: Run, operands: list[ConcreteTensor], variables: Sequence[tuple[int, Variable]]
    ) -> frozenset[int]:
        """Takes the variables' values, or copies of them.

        Args:
            run: What is about to start.
            operands: Its operands; nothing else of the caller's may refer to them.
            variables: Positions among the operands, and the variables that are there.

        Returns:
            The positions of the buffers that the step may use up.
        """
        if not COUNTED:
            return frozenset()
        for i, variable in variables:
            if not self._is_taken(operands, i, variable):
                run.copy(i, operands[i])
        self._started = True
        return frozenset([i for i, _ in variables])

    def _is_taken(self, operands: list[ConcreteTensor], i: int, variable: Variable) -> bool:
        # First out of the variable, then counted: a thread that has read it before is counted, a later one waits.
        if not variable.exchange(operands[i], self):
            return False
        if _references(operands, i) > _ALONE:
            variable.exchange(self, operands[i])
            return False
        self._taken[i] = variable, operands[i]
        return True

    def _fail(self, error: BaseException) -> None:
        spent = getattr(error, "spent", None) if self._started else frozenset()
        lost = [variable.path for i, (variable, _) in self._taken.items() if spent is None or i in spent]
        if lost:
            self._lost = f"the step that was to update it has failed ({type(error).__name__}: {error})"
            error.add_note(f"The values of these variables are lost: {_listed(lost)}. {_REMEDY}")
        for i, (variable, tensor) in self._taken.items():
            if spent is not None and i not in spent:
                variable.exchange(self, tensor)
        self._taken.clear()

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
