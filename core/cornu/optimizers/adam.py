"""Adam and its relatives: steps along a moving mean of gradients over the root of a moving mean of their squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from cornu import ops
from cornu.backend.config import floatx
from cornu.optimizers.arguments import with_common_arguments
from cornu.optimizers.optimizer import CommonArguments, Optimizer
from cornu.tracing.variable import Variable


class Adam(Optimizer):
    """Adam: `m += (1 - beta_1)(g - m)`, `v += (1 - beta_2)(g² - v)`, `w -= alpha · m / (sqrt(v) + epsilon)`.

    `alpha = learning_rate · sqrt(1 - beta_2^t) / (1 - beta_1^t)` is one scalar per step.

    Args:
        learning_rate: A float, a schedule or a function.
        beta_1: Decay of the mean.
        beta_2: Decay of the mean square.
        epsilon: Added to the root ("epsilon hat" of the paper).
        amsgrad: Whether to divide by the root of the largest v so far.
        **kwargs: See `Optimizer`.

    Source: Kingma and Ba 2014; Reddi et al. 2018 for AMSGrad.

    Example:
        >>> w = Variable([1.0])
        >>> Adam(learning_rate=0.1).apply([ops.array([2.0])], [w])
        >>> w.numpy().round(3)
        array([0.9], dtype=float32)
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        gradient = ops.cast(gradient, variable.dtype)
        i = self._get_variable_index(variable)
        alpha = self._alpha(learning_rate, variable.dtype)
        m, v = self._update_moments(gradient, i)
        if self.amsgrad:
            v = ops.maximum(self._velocity_hats[i].value, v)
            self._velocity_hats[i].assign(v)
        variable.assign(variable.value - m * alpha / (ops.sqrt(v) + self.epsilon))

    def _alpha(self, learning_rate: Any, dtype: str) -> Any:
        def compute() -> Any:
            rate = self._rate(learning_rate, dtype)
            mean_decay = self._power("beta_1_power", self.beta_1, dtype)
            square_decay = self._power("beta_2_power", self.beta_2, dtype)
            return rate * ops.sqrt(1.0 - square_decay) / (1.0 - mean_decay)

        return self._per_step("alpha", dtype, compute)

    def _update_moments(self, gradient: Any, i: int) -> tuple[Any, Any]:
        m, v = self._momentums[i].value, self._velocities[i].value
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (gradient * gradient - v) * (1 - self.beta_2)
        self._momentums[i].assign(m)
        self._velocities[i].assign(v)
        return m, v

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "amsgrad": self.amsgrad}
        return {**super().get_config(), **own}


class AdamW(Adam):
    """Adam with decoupled weight decay: first `w -= learning_rate · weight_decay · w`, then Adam's step.

    Args:
        learning_rate: See `Adam`.
        weight_decay: The decay, a float.
        beta_1: See `Adam`.
        beta_2: See `Adam`.
        epsilon: See `Adam`.
        amsgrad: See `Adam`.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If `weight_decay` is None.

    Source: Loshchilov and Hutter 2017.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: `weight_decay` must be a float, got None.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)


class Adamax(Optimizer):
    """Adam with the largest gradient: `u = max(beta_2 · u, |g|)`, `w -= learning_rate · m / ((1 - beta_1^t)(u + eps))`.

    Args:
        learning_rate: A float, a schedule or a function.
        beta_1: Decay of the mean.
        beta_2: Decay of the largest gradient.
        epsilon: Added to u.
        **kwargs: See `Optimizer`.

    Source: Kingma and Ba 2014, section 7.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        m, u = self._m[i].value, self._u[i].value
        m = m + (gradient - m) * (1 - self.beta_1)
        u = ops.maximum(u * self.beta_2, ops.abs(gradient))
        self._m[i].assign(m)
        self._u[i].assign(u)
        alpha = self._per_step(
            "alpha",
            dtype,
            lambda: self._rate(learning_rate, dtype) / (1.0 - self._power("beta_1_power", self.beta_1, dtype)),
        )
        variable.assign(variable.value - m * alpha / (u + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, which looks one step ahead: `u_t = beta_1 (1 - 0.96^t / 2)`.

    Args:
        learning_rate: A float, a schedule or a function.
        beta_1: Decay of the mean.
        beta_2: Decay of the mean square.
        epsilon: Added to the root.
        **kwargs: See `Optimizer`.

    Source: Dozat 2015.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        dtype = variables[0].dtype if variables else floatx()
        self._u_product = self._variable(1.0, "u_product", dtype=dtype)

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Variable], learning_rate: Any) -> None:
        self._u_product.assign(self._u_product.value * self._u(0, self._u_product.dtype))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _u(self, ahead: int, dtype: str) -> Any:
        def compute() -> Any:
            return self.beta_1 * (1.0 - 0.5 * ops.power(ops.cast(0.96, dtype), self._step(dtype) + ahead))

        return self._per_step(f"u_{ahead}", dtype, compute)

    def _scalars(self, learning_rate: Any, dtype: str) -> tuple[Any, Any, Any]:
        """The factors of m and g, and the correction of v."""
        product = ops.cast(self._u_product.value, dtype)
        ahead = self._u(1, dtype)
        rate = self._rate(learning_rate, dtype)
        of_mean = rate * ahead / (1.0 - product * ahead)
        of_gradient = rate * (1.0 - self._u(0, dtype)) / (1.0 - product)
        return of_mean, of_gradient, 1.0 / (1.0 - self._power("beta_2_power", self.beta_2, dtype))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        m, v = self._momentums[i].value, self._velocities[i].value
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (gradient * gradient - v) * (1 - self.beta_2)
        self._momentums[i].assign(m)
        self._velocities[i].assign(v)
        of_mean, of_gradient, correction = self._per_step("scalars", dtype, lambda: self._scalars(learning_rate, dtype))
        step = (m * of_mean + gradient * of_gradient) / (ops.sqrt(v * correction) + self.epsilon)
        variable.assign(variable.value - step)

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class Lamb(Optimizer):
    """Adam's step, scaled per variable to the length of the weights: `w -= learning_rate · |w| / |u| · u`.

    Args:
        learning_rate: A float, a schedule or a function.
        beta_1: Decay of the mean.
        beta_2: Decay of the mean square.
        epsilon: Added to the root.
        **kwargs: See `Optimizer`.

    Source: You et al. 2019.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        m, v = self._momentums[i].value, self._velocities[i].value
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (gradient * gradient - v) * (1 - self.beta_2)
        self._momentums[i].assign(m)
        self._velocities[i].assign(v)
        of_mean = 1.0 / (1.0 - self._power("beta_1_power", self.beta_1, dtype))
        of_square = 1.0 / (1.0 - self._power("beta_2_power", self.beta_2, dtype))
        update = m * of_mean / (ops.sqrt(v * of_square) + self.epsilon)
        weight = variable.value
        weight_norm, update_norm = (ops.sqrt(ops.sum(ops.square(x))) for x in (weight, update))
        usable = ops.logical_and(ops.greater(weight_norm, 0.0), ops.greater(update_norm, 0.0))
        ratio = ops.where(usable, weight_norm / ops.where(usable, update_norm, 1.0), 1.0)
        variable.assign(weight - update * (ratio * self._rate(learning_rate, dtype)))

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class ScheduleFreeAdamW(Optimizer):
    """AdamW that needs no schedule: gradients are taken between a fast sequence z and its running mean x.

    `y = (1 - beta_1) z + beta_1 x`, `z -= learning_rate · g / (sqrt(v / (1 - beta_2^t)) + epsilon)`, `x += (z - x) / t`

    Args:
        learning_rate: A float, a schedule or a function.
        beta_1: Where between z (0) and x (1) gradients are taken.
        beta_2: Decay of the mean square.
        epsilon: Added to the root.
        warmup_steps: Over how many steps the learning rate rises.
        **kwargs: See `Optimizer`.

    Source: Defazio et al. 2024.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        for fast, variable in zip(self._momentums, variables, strict=True):
            if fast is not None:
                # A number at build time, even where that happens inside a trace.
                fast.replace(_copy_of(variable))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        fast, v = self._momentums[i].value, self._velocities[i].value
        v = v + (gradient * gradient - v) * (1 - self.beta_2)
        rate, of_square, weight = self._per_step("scalars", dtype, lambda: self._scalars(learning_rate, dtype))
        stepped = fast - gradient * rate / (ops.sqrt(v * of_square) + self.epsilon)
        mean = (variable.value - fast * (1 - self.beta_1)) / self.beta_1
        mean = mean + (stepped - mean) * weight
        self._velocities[i].assign(v)
        self._momentums[i].assign(stepped)
        variable.assign(stepped * (1 - self.beta_1) + mean * self.beta_1)

    def _scalars(self, learning_rate: Any, dtype: str) -> tuple[Any, Any, Any]:
        step = self._step(dtype)
        rate = self._rate(learning_rate, dtype)
        if self.warmup_steps > 0:
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
        return rate, 1.0 / (1.0 - self._power("beta_2_power", self.beta_2, dtype)), 1.0 / step

    def get_config(self) -> dict[str, Any]:
        own = {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
        return {**super().get_config(), **own}


def _copy_of(variable: Variable) -> Any:
    from cornu.tracing.tensor import from_numpy

    return from_numpy(np.array(variable.concrete().numpy()))
