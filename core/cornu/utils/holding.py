"""Objects that find their variables by themselves: optimizers and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cornu.tracing.variable import Variable


class VariableHolder:
    """Notes each variable that is assigned to an attribute, alone or in a list, tuple or dict, in that order."""

    _variables: dict[Variable, None]  # an ordered set

    def _track(self, value: Any) -> None:
        for found in _within(value):
            if isinstance(found, Variable):
                self._variables.setdefault(found)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_variables" in self.__dict__ and name not in ("_variables", "_trainable_variables"):
            self._track(value)
        super().__setattr__(name, value)

    def _check_super_called(self) -> None:
        if "_variables" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: `super().__init__()` must be called first in `__init__()`.")


def _within(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _within(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _within(item)
    else:
        yield value


@contextmanager
def holding(variables: Sequence[Variable], values: Iterable[Any]) -> Iterator[None]:
    """Lets variables have other values for a while: the way to functions of state without side effects.

    Args:
        variables: The variables.
        values: One value for each.
    """
    before = [variable.value for variable in variables]
    try:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
