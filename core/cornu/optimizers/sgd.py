"""Gradient descent and sign descent, with and without momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import ops
from cornu.optimizers.arguments import with_common_arguments
from cornu.optimizers.optimizer import CommonArguments, Optimizer
from cornu.tracing.variable import Variable


class SGD(Optimizer):
    """Gradient descent: `w -= learning_rate · g`; with momentum `m = momentum · m - learning_rate · g`, `w += m`.

    Nesterov's form moves by `momentum · m - learning_rate · g` with the new m.

    Args:
        learning_rate: A float, a schedule or a function.
        momentum: A float in [0, 1].
        nesterov: Whether to look ahead.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If `momentum` is not a float in [0, 1].

    Example:
        >>> w = Variable([1.0])
        >>> SGD(learning_rate=0.1).apply([ops.array([2.0])], [w])
        >>> w.numpy().round(3)
        array([0.8], dtype=float32)
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ValueError(f"SGD: `momentum` must be a float in [0, 1], got {momentum!r}.")
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        step = ops.cast(gradient, dtype) * self._rate(learning_rate, dtype)
        if not self.momentum:
            variable.assign(variable.value - step)
            return
        held = self.momentums[self._get_variable_index(variable)]
        velocity = held.value * self.momentum - step
        held.assign(velocity)
        move = velocity * self.momentum - step if self.nesterov else velocity
        variable.assign(variable.value + move)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class Lion(Optimizer):
    """Descent along the sign of a momentum: `w -= learning_rate · sign(beta_1 m + (1 - beta_1) g)`,
    `m = beta_2 m + (1 - beta_2) g`.

    Args:
        learning_rate: A float, a schedule or a function.
        beta_1: The momentum's part in the step, in (0, 1].
        beta_2: Decay of the momentum.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If `beta_1` is not in (0, 1].

    Source: Chen et al. 2023.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if beta_1 <= 0 or beta_1 > 1:
            raise ValueError(f"Lion: `beta_1` must be in (0, 1], got {beta_1}.")
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        held = self._momentums[self._get_variable_index(variable)]
        m = held.value
        direction = ops.sign(m * self.beta_1 + gradient * (1.0 - self.beta_1))
        variable.assign(variable.value - direction * self._rate(learning_rate, dtype))
        held.assign(m * self.beta_2 + gradient * (1.0 - self.beta_2))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
