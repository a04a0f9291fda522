"""Decoupled weight decay, and which variables it leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cornu import ops
from cornu.tracing.variable import Variable


class WeightDecay:
    """The part of an optimizer that shrinks weights."""

    built: bool
    learning_rate: Any
    weight_decay: float | None
    _per_step: Callable[[str, str, Callable[[], Any]], Any]
    _undecayed: frozenset[int] = frozenset()
    _undecayed_names: re.Pattern[str] | None = None

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leaves variables out of weight decay.

        Args:
            var_list: Variables.
            var_names: Patterns; a variable whose name contains one is left out.

        Raises:
            ValueError: If the optimizer is built already.
        """
        if self.built:
            raise ValueError("`exclude_from_weight_decay` must be called before the optimizer is built.")
        self._undecayed = frozenset(id(variable) for variable in var_list or ())
        patterns = sorted(set(var_names or ()))
        self._undecayed_names = re.compile("|".join(patterns)) if patterns else None

    def _use_weight_decay(self, variable: Variable) -> bool:
        if id(variable) in self._undecayed:
            return False
        return self._undecayed_names is None or self._undecayed_names.search(variable.name) is None

    def _weight_decay_of(self, variable: Variable) -> float | None:
        return self.weight_decay if self._use_weight_decay(variable) else None

    def _apply_weight_decay(self, variables: Sequence[Variable]) -> None:
        """`w ← w · (1 - decay · learning rate)`: one pass, and one scalar per step."""
        for variable in variables:
            decay = self._weight_decay_of(variable)
            if decay is not None:
                variable.assign(variable.value * self._kept(decay, variable.dtype))

    def _kept(self, decay: float, dtype: str) -> Any:
        return self._per_step(f"kept_{decay}", dtype, lambda: 1.0 - ops.cast(self.learning_rate, dtype) * decay)
