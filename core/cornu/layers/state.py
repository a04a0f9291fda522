"""The state of a layer: its variables and those of the layers inside it, reading and setting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.layers.tracking import contained
from cornu.tracing.variable import Variable

if TYPE_CHECKING:
    from cornu.layers.layer import Layer


def distinct(variables: Sequence[Variable]) -> list[Variable]:
    """The variables without repetitions."""
    return list({id(variable): variable for variable in variables}.values())


class LayerState:
    """The part of a layer that knows its variables."""

    name: str
    built: bool
    _trainable: bool

    def _init_state(self) -> None:
        self._trainable_variables: list[Variable] = []
        self._non_trainable_variables: list[Variable] = []

    @property
    def _layers(self) -> list[Layer]:
        """The layers held in attributes, in the order in which they were set."""
        from cornu.layers.layer import Layer

        return contained(self, Layer)

    @property
    def _metrics(self) -> list[Any]:
        from cornu.metrics import Metric

        return contained(self, Metric)

    @property
    def _seed_generators(self) -> list[Any]:
        from cornu.random import SeedGenerator

        return contained(self, SeedGenerator)

    def _lock_state(self) -> None:
        """Gives the variables of seed generators their place in the layer's path."""

    # -- collections ---------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[Variable]:
        """All weights, without the state of metrics and random generators."""
        inner = [variable for layer in self._layers for variable in layer.weights]
        return distinct([*self._trainable_variables, *self._non_trainable_variables, *inner])

    @property
    def variables(self) -> list[Variable]:
        """All weights and the state of random generators."""
        own = [*self._trainable_variables, *self._non_trainable_variables]
        seeds = [generator.state for generator in self._seed_generators]
        inner = [variable for layer in self._layers for variable in layer.variables]
        return distinct([*own, *seeds, *inner])

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training changes."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that training leaves alone."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def metrics(self) -> list[Any]:
        """The metrics that the layer and those inside it hold."""
        inner = [metric for layer in self._layers for metric in layer.metrics]
        return list({id(metric): metric for metric in [*self._metrics, *inner]}.values())

    @property
    def metrics_variables(self) -> list[Variable]:
        """The state of the metrics."""
        return distinct([variable for metric in self.metrics for variable in metric.variables])

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained; setting it sets it for the layers inside too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = bool(value)
        for layer in self._layers:
            layer.trainable = bool(value)

    # -- values --------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[np.ndarray]:
        """The values of the weights."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the weights from arrays, in the order of `get_weights`; all are checked before any is set.

        Raises:
            ValueError: If their number or a shape is wrong.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(f"set_weights of {self.name}: expected {len(variables)} arrays, got {len(weights)}.")
        for variable, value in zip(variables, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"set_weights of {self.name}: {variable.path} has shape {variable.shape}, got {np.shape(value)}."
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:
            ValueError: If the layer is not built.
        """
        if not self.built:
            raise ValueError(f"Layer {self.name} has no weights to count: it isn't built yet. Build it first.")
        return sum(int(np.prod(variable.shape)) for variable in self.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the layer's own weights into a store, numbered."""
        for i, variable in enumerate((*self._trainable_variables, *self._non_trainable_variables)):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Takes the layer's own weights from a store.

        Raises:
            ValueError: If their number or a shape is wrong.
        """
        variables = [*self._trainable_variables, *self._non_trainable_variables]
        if len(store.keys()) != len(variables):
            hint = "" if self.built or variables else " The layer is not built, so it has none yet."
            raise ValueError(
                f"Layer '{self.name}' expected {len(variables)} variables, but received {len(store.keys())} variables "
                f"during loading. Expected: {[variable.name for variable in variables]}.{hint}"
            )
        values = [np.asarray(store[str(i)]) for i in range(len(variables))]
        for variable, value in zip(variables, values, strict=True):
            if value.shape != variable.shape:
                raise ValueError(
                    f"Layer '{self.name}': variable {variable.path} has shape {variable.shape}, "
                    f"the file's {value.shape}."
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
