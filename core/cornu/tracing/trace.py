"""The recording context: which builder operations go to, and what variables hold while a program is traced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import cornu.primitives  # noqa: F401 - registers the operators that programs are made of
from cornu.ir.builder import Builder
from cornu.ir.program import Value
from cornu.ir.types import TensorType

if TYPE_CHECKING:
    from cornu.tracing.tensor import ConcreteTensor
    from cornu.tracing.variable import Variable


class Trace:
    """One program being recorded.

    Reading a variable gives the value that it has at that point of the program; assigning changes only this record,
    so a trace that fails leaves no mark.

    Args:
        name: The program's name.
        parent: The enclosing trace, for a sub-program.
        lift: Whether tensors from outside become inputs, in `lifted`, instead of constants.
    """

    def __init__(self, name: str, parent: Trace | None = None, lift: bool = False) -> None:
        self.builder: Builder = Builder(name, parent.builder if parent else None)
        self.parent = parent
        self.held: dict[Variable, Value] = {}
        self.reads: dict[Variable, Value] = {}
        self.writes: dict[Variable, Value] = {}
        self.lifted: dict[ConcreteTensor, Value] | None = {} if lift else None
        self.followers: list[dict[Variable, Value]] = []

    def read(self, variable: Variable) -> Value:
        """The variable's value at this point; what it is at the first reading is noted for `followers`."""
        value = self.held.get(variable)
        if value is None:
            if self.parent is not None:
                value = self.builder.own(self.parent.read(variable))
            else:
                value = self.builder.input(TensorType(variable.dtype, variable.static_shape), variable.path)
                self.reads[variable] = value
            self.held[variable] = value
        for first in self.followers:
            first.setdefault(variable, value)
        return value

    def take(self, tensor: ConcreteTensor) -> Value:
        """The value of a tensor from outside."""
        root = self
        while root.parent is not None:
            root = root.parent
        if root.lifted is None:
            return self.builder.constant(tensor.numpy())
        if tensor not in root.lifted:
            root.lifted[tensor] = root.builder.input(tensor.type)
        return self.builder.own(root.lifted[tensor])

    def write(self, variable: Variable, value: Value) -> None:
        """Records an assignment."""
        self.held[variable] = value
        self.writes[variable] = value

    def hold(self, variable: Variable, value: Value) -> None:
        """Sets what the variable holds at the start (a loop's carried value)."""
        self.held[variable] = value


_CURRENT: ContextVar[Trace | None] = ContextVar("cornu_trace", default=None)


def current_trace() -> Trace | None:
    """The innermost trace of this thread or task, or None where operations run at once."""
    return _CURRENT.get()


@contextmanager
def recording(trace: Trace | None) -> Iterator[None]:
    """Sends operations to `trace`; None suspends recording, so that operations run at once."""
    token = _CURRENT.set(trace)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def named_scope(name: str) -> Iterator[None]:
    """Puts what is recorded under a name: a layer's path in profiles, node names and errors."""
    trace = current_trace()
    if trace is None or not name:
        yield
        return
    outer = trace.builder.scope
    with trace.builder.scoped(f"{outer}/{name}" if outer else name):
        yield
