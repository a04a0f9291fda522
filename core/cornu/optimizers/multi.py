"""Different optimizers for different variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from cornu.optimizers.loss_scale import LossScaleOptimizer
from cornu.optimizers.optimizer import Optimizer
from cornu.tracing.variable import Variable


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by the variables' paths.

    A key is a path, or a pattern that the whole path must match: "encoder/.*" stands for all that is in `encoder`.

    Args:
        default_optimizer: The optimizer of variables that no key stands for.
        optimizer_map: Optimizers to start with.

    Raises:
        TypeError: If something is no optimizer, or `optimizer_map` is no dict.

    Example:
        >>> from cornu.optimizers import SGD, Adam
        >>> chosen = OptimizerMap(SGD(), {"encoder/.*": Adam()})
        >>> type(chosen["encoder/dense/kernel"]).__name__, type(chosen["head/kernel"]).__name__
        ('Adam', 'SGD')
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap: `default_optimizer` must be an optimizer, got {default_optimizer!r}.")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"OptimizerMap: `optimizer_map` must be a dict, got {optimizer_map!r}.")
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of variables that no key stands for."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"OptimizerMap: {key!r} is matched by several keys, {found}.")
        return self._optimizer_map[found[0]] if found else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"OptimizerMap: a key must be a path or pattern, got {key!r}.")
        if key in self._optimizer_map:
            raise ValueError(f"OptimizerMap: {key!r} has an optimizer already, {self._optimizer_map[key].name}.")
        _check_inner(optimizer, f"the key {key!r}")
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        from cornu.saving import serialize_keras_object

        return {
            "default_optimizer": serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> OptimizerMap:
        """A map from its constructor's arguments."""
        from cornu.saving import deserialize_keras_object

        names = ("default_optimizer", "optimizer_map")
        return cls(*(deserialize_keras_object(config[name], custom_objects=custom_objects) for name in names))


class MultiOptimizer(Optimizer):
    """An optimizer that leaves each variable to another one.

    Each keeps its own learning rate, clipping and state; a `global_clipnorm` is that of its own variables.

    Args:
        optimizer_map: An `OptimizerMap`, or a function from a variable to its optimizer.
        loss_scale_factor: That of all of them.
        name: A name.

    Raises:
        ValueError: When it is built, if a variable's optimizer is none, or scales the loss itself.

    Example:
        >>> from cornu.optimizers import SGD
        >>> fast, slow = SGD(1.0), SGD(0.1)
        >>> a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
        >>> optimizer = MultiOptimizer(lambda variable: fast if variable is a else slow)
        >>> optimizer.apply([[1.0], [1.0]], [a, b])
        >>> a.numpy(), b.numpy()
        (array([0.], dtype=float32), array([0.9], dtype=float32))
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map):
            raise ValueError(
                f"MultiOptimizer: `optimizer_map` must be an OptimizerMap or a function, got {optimizer_map!r}."
            )
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        self._inner: list[Optimizer] = []
        self._owners: dict[int, int] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._place(optimizer)

    def _place(self, optimizer: Optimizer) -> int:
        """The number of an optimizer among the inner ones."""
        for i, known in enumerate(self._inner):
            if known is optimizer:
                return i
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner.append(optimizer)
        return len(self._inner) - 1

    @property
    def optimizers(self) -> list[Optimizer]:
        """The inner optimizers."""
        return list(self._inner)

    @property
    def variables(self) -> list[Variable]:
        """The step counter and the variables of the inner optimizers."""
        return [*self._variables, *(variable for optimizer in self._inner for variable in optimizer.variables)]

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        for variable in variables:
            optimizer = self._optimizer_map(variable)
            _check_inner(optimizer, f"the variable {variable.path}")
            self._owners[id(variable)] = self._place(optimizer)
        for optimizer, own in zip(self._inner, self._shares(variables, variables), strict=True):
            if own:
                optimizer.build(own)
        super().build(variables)

    def _shares(self, variables: Sequence[Variable], items: Sequence[Any]) -> list[list[Any]]:
        """Of items that belong to variables, those of each inner optimizer."""
        shares: list[list[Any]] = [[] for _ in self._inner]
        for variable, item in zip(variables, items, strict=True):
            shares[self._owners[id(variable)]].append(item)
        return shares

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Changes the variables, each by its own optimizer; see `Optimizer.apply`."""
        if not len(grads):
            return
        variables = self._known_variables(grads, trainable_variables)
        pairs = self._with_gradient(grads, variables)
        shares = self._shares([variable for _, variable in pairs], pairs)
        for optimizer, own in zip(self._inner, shares, strict=True):
            if own:
                optimizer.apply([gradient for gradient, _ in own], [variable for _, variable in own])
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """The end of training, for each inner optimizer and its variables."""
        for optimizer, own in zip(self._inner, self._shares(var_list, var_list), strict=True):
            if own:
                optimizer.finalize_variable_values(own)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the variables from arrays, in the order of `variables`.

        Raises:
            ValueError: If it is not built, or their number or a shape does not fit.
        """
        variables = self.variables
        if not self.built or len(weights) != len(variables):
            state = f"it has {len(variables)} variables" if self.built else "it is not built yet"
            raise ValueError(f"MultiOptimizer: `set_weights` got {len(weights)} arrays; {state}.")
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)

    @property
    def learning_rate(self) -> Any:
        """There is none: each of `optimizers` has its own.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError("MultiOptimizer has no learning rate: each of its `optimizers` has its own.")

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        raise AttributeError("MultiOptimizer has no learning rate: set that of each of its `optimizers`.")

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> MultiOptimizer:
        """An optimizer from its constructor's arguments."""
        from cornu.saving import deserialize_keras_object

        held = config["optimizer_map"]
        chosen = held if callable(held) else deserialize_keras_object(held, custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": chosen})


def _check_inner(optimizer: Any, whose: str) -> None:
    """
    Raises:
        ValueError: If it cannot be an inner optimizer.
    """
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"The optimizer of {whose} must be an Optimizer, got {optimizer!r}.")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(f"The optimizer of {whose} cannot be a {type(optimizer).__name__}.")
