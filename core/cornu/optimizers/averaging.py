"""The exponential moving average of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.tracing.variable import Variable


class WeightAverage:
    """The part of an optimizer that keeps the average: `a = momentum · a + (1 - momentum) · w`, from the first step."""

    iterations: Any
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    _trainable_variables: list[Variable]
    _model_variables_moving_average: list[Variable | None]

    def _update_average(self) -> None:
        started = ops.not_equal(self.iterations, 0)
        for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
            if average is not None:
                momentum = ops.cast(started, variable.dtype) * self.ema_momentum
                average.assign(momentum * average.value + (1.0 - momentum) * variable.value)
        if self.ema_overwrite_frequency:
            due = ops.equal(ops.mod(ops.add(self.iterations, 1), self.ema_overwrite_frequency), 0)
            for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
                if average is not None:
                    variable.assign(ops.where(due, average.value, variable.value))

    def _overwrite_model_variables_with_average_value(self, trainable_variables: Sequence[Variable]) -> None:
        averages = self._model_variables_moving_average
        if len(trainable_variables) != len(averages):
            raise ValueError(
                f"{type(self).__name__}: {len(trainable_variables)} variables were given, averages are kept for "
                f"{len(averages)}."
            )
        for variable, average in zip(trainable_variables, averages, strict=True):
            if average is not None:
                variable.assign(average.value)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Sets variables to their moving averages, if those are kept: the end of training.

        Raises:
            ValueError: If averages are kept for another number of variables.
        """
        if self.use_ema:
            self._overwrite_model_variables_with_average_value(var_list)


def check_average(kind: str, momentum: float, frequency: int | None) -> None:
    """Checks the arguments.

    Raises:
        ValueError: If one is out of range.
    """
    if not 0 <= momentum <= 1:
        raise ValueError(f"{kind}: `ema_momentum` must be in [0, 1], got {momentum}.")
    if frequency is not None and (not isinstance(frequency, int) or frequency < 1):
        raise ValueError(f"{kind}: `ema_overwrite_frequency` must be a positive integer or None, got {frequency}.")
