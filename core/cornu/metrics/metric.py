"""What every metric is: variables, an update from a batch, a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import initializers
from cornu.ir.types import numpy_dtype
from cornu.tracing.variable import Variable
from cornu.utils.dtypes import resolve_dtype
from cornu.utils.failures import naming
from cornu.utils.holding import VariableHolder, holding
from cornu.utils.naming import auto_name


class Metric(VariableHolder):
    """Base of the metrics: a subclass makes variables, changes them in `update_state` and reads them in `result`.

    Args:
        dtype: The dtype to compute in, or a dtype policy; None is the configured float type.
        name: A name; made up if missing.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name=name)
        ...         self.value = self.add_variable((), "zeros", name="value")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(ops.maximum(self.value, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.value.value
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._dtype = resolve_dtype(dtype)
        self._metrics: list[Metric] = []
        self._variables = {}

    @property
    def dtype(self) -> str:
        """The dtype that the metric computes in."""
        return self._dtype

    # -- state ---------------------------------------------------------------------------------------------------

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """Makes a variable of the metric.

        Args:
            shape: Its shape.
            initializer: A name, object or function, as for `initializers.get`; None is zeros.
            dtype: Its dtype; None is the configured float type.
            aggregation: How replicas are combined.
            name: Its name.
        """
        self._check_super_called()
        variable = Variable(
            initializers.get("zeros" if initializer is None else initializer),
            shape=tuple(shape),
            dtype=resolve_dtype(dtype),
            trainable=False,
            aggregation=aggregation,
            synchronization="on_read",
            name=name,
        )
        variable.path = f"{self.name.replace('/', '>')}/{variable.name}"
        self._track(variable)
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """`add_variable` under its older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def _track(self, value: Any) -> None:
        super()._track(value)
        items = value if isinstance(value, (list, tuple)) else [value]
        for item in items:
            if isinstance(item, Metric) and not any(item is known for known in self._metrics):
                self._metrics.append(item)

    @property
    def variables(self) -> list[Variable]:
        """The metric's variables and those of the metrics in it."""
        return [*self._variables, *(variable for metric in self._metrics for variable in metric.variables)]

    def reset_state(self) -> None:
        """Sets all variables to 0."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, numpy_dtype(variable.dtype)))

    # -- what a subclass says ------------------------------------------------------------------------------------

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes in a batch.

        Raises:
            TypeError: If a subclass does not override it.
        """
        raise TypeError(f"{type(self).__name__} must override `update_state(...)`.")

    def result(self) -> Any:
        """The metric's value: a scalar tensor or a dict of them.

        Raises:
            TypeError: If a subclass does not override it.
        """
        raise TypeError(f"{type(self).__name__} must override `result()`.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes in a batch and returns the value so far."""
        self._check_super_called()
        with naming("metric", self, *args, **kwargs):
            self.update_state(*args, **kwargs)
        return self.result()

    # -- without side effects ------------------------------------------------------------------------------------

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The variables' values after an update, from given values; the metric itself keeps its own.

        Args:
            metric_variables: One value per variable.
            *args: Arguments of `update_state`.
            **kwargs: The same.

        Raises:
            ValueError: If their number is another.
        """
        self._check_values(metric_variables)
        with holding(self.variables, metric_variables):
            self.update_state(*args, **kwargs)
            return [variable.value for variable in self.variables]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The result from given values of the variables.

        Raises:
            ValueError: If their number is another.
        """
        self._check_values(metric_variables)
        with holding(self.variables, metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """The variables' values after a reset."""
        variables = self.variables
        with holding(variables, [variable.value for variable in variables]):
            self.reset_state()
            return [variable.value for variable in variables]

    def _check_values(self, values: Sequence[Any]) -> None:
        if len(values) != len(self.variables):
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: expected one value for each of its {len(self.variables)} "
                f"variables, got {len(values)}."
            )

    # -- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """A metric from its constructor's arguments."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
