"""The variables of an optimizer: making them, writing them to files and reading them back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from cornu import initializers
from cornu.tracing.variable import Variable
from cornu.utils.dtypes import resolve_dtype
from cornu.utils.holding import VariableHolder


class OptimizerState(VariableHolder):
    """The part of an optimizer that holds its variables."""

    name: str
    built: bool

    def _variable(self, initializer: Any, name: str | None = None, **options: Any) -> Variable:
        variable = Variable(initializer, name=name, trainable=False, **options)
        variable.path = f"{self.name}/{variable.name}"
        self._track(variable)
        return variable

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's variables, in the order of Keras's files."""
        return list(self._variables)

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = "none",
        layout: None = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable of the optimizer.

        Args:
            shape: Its shape.
            initializer: A name, object or function, as for `initializers.get`.
            dtype: Its dtype; None is the configured float type.
            aggregation: How replicas are combined.
            layout: None: there are no layouts here.
            name: Its name.

        Raises:
            ValueError: If a layout is given.
        """
        self._check_super_called()
        if layout is not None:
            raise ValueError(f"{type(self).__name__}.add_variable: `layout` must be None, got {layout!r}.")
        made = initializers.get(initializer)
        return self._variable(made, name, shape=tuple(shape), dtype=resolve_dtype(dtype), aggregation=aggregation)

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Makes a variable of the shape and dtype of another, named after it."""
        path = getattr(reference_variable, "path", None) or reference_variable.name
        full_name = f"{path.replace('/', '_').replace(':', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, dtype=reference_variable.dtype, name=full_name)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Makes variables of the shapes and dtypes of the trainable ones.

        Args:
            trainable_variables: The trainable variables.
            name: A name, or several: then all of one trainable variable's are made before the next's.
            initializer: One for all, or one per name.

        Returns:
            A list with one variable per trainable variable (None where it takes its gradient as its value), or a tuple
            of such lists, one per name.

        Raises:
            ValueError: If there is not one initializer per name.
        """
        names = [name] if isinstance(name, str) else list(name)
        starts = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(names) != len(starts):
            raise ValueError(f"Expected one initializer per name, got {len(starts)} for {names}.")
        made: tuple[list[Variable | None], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for group, part, start in zip(made, names, starts, strict=True):
                group.append(
                    None
                    if takes_gradient(variable)
                    else self.add_variable_from_reference(variable, name=part, initializer=start)
                )
        return made[0] if isinstance(name, str) else made

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the optimizer's variables from arrays.

        Raises:
            ValueError: If it is not built or a shape does not fit.
        """
        if not self.built:
            raise ValueError(f"{type(self).__name__}: call `build(trainable_variables)` before `set_weights`.")
        for variable, weight in zip(self._variables, weights, strict=False):
            if tuple(variable.shape) != tuple(weight.shape):
                raise ValueError(
                    f"{type(self).__name__}: variable {variable.path} has shape {variable.shape}, the value given has "
                    f"{tuple(weight.shape)}."
                )
        for variable, weight in zip(self._variables, weights, strict=False):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Writes the variables under their numbers."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads the variables; leaves them with a warning if their number is another."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            unbuilt = "" if self.built else " It is not built yet."
            warnings.warn(
                f"Optimizer {self.name!r} keeps its state: the file holds {len(store.keys())} variables for it, it has "
                f"{len(variables)}.{unbuilt}",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(variables):
            variable.assign(store[str(i)][...])


def takes_gradient(variable: Variable) -> bool:
    """Whether the variable takes its gradient as its value, rather than being updated along it."""
    return bool(getattr(variable, "overwrite_with_gradient", False))
