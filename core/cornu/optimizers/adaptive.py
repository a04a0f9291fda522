"""Optimizers that scale steps by accumulated squares: RMSprop, Adagrad, Adadelta, Ftrl, Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import initializers, ops
from cornu.optimizers.arguments import with_common_arguments
from cornu.optimizers.optimizer import CommonArguments, Optimizer
from cornu.tracing.variable import Variable


class RMSprop(Optimizer):
    """`v = rho · v + (1 - rho) · g²`, `w -= learning_rate · g / sqrt(v + epsilon)`.

    Args:
        learning_rate: A float, a schedule or a function.
        rho: Decay of the mean square.
        momentum: With it, `m = momentum · m + step` is subtracted instead of the step.
        epsilon: Added under the root.
        centered: Whether the squared mean gradient is subtracted from v: an estimate of the variance.
        **kwargs: See `Optimizer`.

    Source: Hinton 2012, lecture 6e.

    Example:
        >>> w = Variable([1.0])
        >>> RMSprop(learning_rate=0.1).apply([ops.array([2.0])], [w])
        >>> w.numpy().round(3)
        array([0.684], dtype=float32)
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum > 0 else []
        self._average_gradients = self.add_optimizer_variables(variables, "average_gradient") if self.centered else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        velocity = self._velocities[i].value * self.rho + gradient * gradient * (1 - self.rho)
        self._velocities[i].assign(velocity)
        if self.centered:
            mean = self._average_gradients[i].value * self.rho + gradient * (1 - self.rho)
            self._average_gradients[i].assign(mean)
            velocity = velocity - mean * mean
        step = gradient * self._rate(learning_rate, dtype) / ops.sqrt(velocity + self.epsilon)
        if self.momentum > 0:
            step = self._momentums[i].value * self.momentum + step
            self._momentums[i].assign(step)
        variable.assign(variable.value - step)

    def get_config(self) -> dict[str, Any]:
        own = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **own}


class Adagrad(Optimizer):
    """`a += g²`, `w -= learning_rate · g / sqrt(a + epsilon)`.

    Args:
        learning_rate: A float, a schedule or a function.
        initial_accumulator_value: The first value of a.
        epsilon: Added under the root.
        **kwargs: See `Optimizer`.

    Source: Duchi, Hazan and Singer 2011.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(variables, "accumulator", start)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        held = self._accumulators[self._get_variable_index(variable)]
        total = held.value + gradient * gradient
        held.assign(total)
        variable.assign(variable.value - gradient * self._rate(learning_rate, dtype) / ops.sqrt(total + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        own = {"initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class Adadelta(Optimizer):
    """Steps in the unit of the weights: `d = g · sqrt(D + epsilon) / sqrt(G + epsilon)`, `w -= learning_rate · d`.

    G and D are moving means of `g²` and `d²` with decay rho.

    Args:
        learning_rate: A float, a schedule or a function; 1.0 is the paper's.
        rho: Decay of the means.
        epsilon: Added under the roots.
        **kwargs: See `Optimizer`.

    Source: Zeiler 2012.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        squares = self._accumulated_grads[i].value * self.rho + gradient * gradient * (1 - self.rho)
        deltas = self._accumulated_delta_vars[i].value
        delta = gradient * ops.sqrt(deltas + self.epsilon) / ops.sqrt(squares + self.epsilon)
        self._accumulated_grads[i].assign(squares)
        self._accumulated_delta_vars[i].assign(deltas * self.rho + delta * delta * (1 - self.rho))
        variable.assign(variable.value - delta * self._rate(learning_rate, dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}


class Ftrl(Optimizer):
    """Follow the regularised leader: weights are the minimum of past gradients' sum plus L1 and L2 penalties.

    `s = n^-p - n_old^-p`, `z += g - s / learning_rate · w`,
    `w = (clip(z, -l1, l1) - z) / (n^-p / learning_rate + 2 (l2 + beta / (2 learning_rate)))`, n = sum of g²

    Args:
        learning_rate: A float, a schedule or a function.
        learning_rate_power: p, not positive.
        initial_accumulator_value: The first value of n, not negative.
        l1_regularization_strength: l1, not negative.
        l2_regularization_strength: l2, not negative.
        l2_shrinkage_regularization_strength: An L2 penalty in the gradient only, not negative.
        beta: The beta of the paper.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If an argument is out of range.

    Source: McMahan et al. 2013.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        at_least_zero = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for name, value in at_least_zero.items():
            if value < 0.0:
                raise ValueError(f"Ftrl: `{name}` must not be negative, got {value}.")
        if learning_rate_power > 0.0:
            raise ValueError(f"Ftrl: `learning_rate_power` must not be positive, got {learning_rate_power}.")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables, ["accumulator", "linear"], [start, "zeros"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        rate = self._rate(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        old, weight = self._accumulators[i].value, variable.value
        new = old + gradient * gradient
        old_power, new_power = (ops.power(n, -self.learning_rate_power) for n in (old, new))
        if self.l2_shrinkage_regularization_strength:
            gradient = gradient + weight * (2.0 * self.l2_shrinkage_regularization_strength)
        linear = self._linears[i].value + gradient - (new_power - old_power) / rate * weight
        quadratic = new_power / rate + (2.0 * self.l2_regularization_strength + self.beta / rate)
        l1 = self.l1_regularization_strength
        variable.assign((ops.clip(linear, -l1, l1) - linear) / quadratic)
        self._linears[i].assign(linear)
        self._accumulators[i].assign(new)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }


class Adafactor(Optimizer):
    """Adam's division with factored squares: for matrices only the means of rows and columns are kept.

    Args:
        learning_rate: A float, a schedule or a function.
        beta_2_decay: The decay is `1 - t^beta_2_decay`.
        epsilon_1: Added to squared gradients.
        epsilon_2: The least scale of a weight.
        clip_threshold: The largest root mean square of an update.
        relative_step: Whether a constant learning rate is at most `1 / sqrt(t)`.
        **kwargs: See `Optimizer`.

    Source: Shazeer and Stern 2018.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._r: list[Variable] = []
        self._c: list[Variable] = []
        self._v: list[Variable] = []
        for variable in variables:
            shape = tuple(variable.shape)
            # Keras's files hold these for every variable, as scalars where they are not used.
            rows, columns = (shape[:-1], (*shape[:-2], shape[-1])) if len(shape) >= 2 else ((), ())
            self._r.append(self.add_variable(rows, dtype=variable.dtype, name=variable.name))
            self._c.append(self.add_variable(columns, dtype=variable.dtype, name=variable.name))
            self._v.append(self.add_variable_from_reference(variable, name="velocity"))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        keep, rate = self._per_step("scalars", dtype, lambda: self._scalars(learning_rate, dtype))
        weight = variable.value
        scale = ops.maximum(_rms(weight), self.epsilon_2) * rate
        squares = ops.square(gradient) + self.epsilon_1
        if len(variable.shape) >= 2:
            rows = self._r[i].value * keep + ops.mean(squares, axis=-1) * (1.0 - keep)
            columns = self._c[i].value * keep + ops.mean(squares, axis=-2) * (1.0 - keep)
            self._r[i].assign(rows)
            self._c[i].assign(columns)
            of_rows = rows / ops.mean(rows, axis=-1, keepdims=True)
            v = ops.expand_dims(of_rows, -1) * ops.expand_dims(columns, -2)
        else:
            v = self._v[i].value * keep + squares * (1.0 - keep)
        self._v[i].assign(v)
        update = gradient / ops.sqrt(v)
        limited = scale / ops.maximum(_rms(update) / self.clip_threshold, 1.0)
        variable.assign(weight - update * limited)

    def _scalars(self, learning_rate: Any, dtype: str) -> tuple[Any, Any]:
        step = self._step(dtype)
        # Keras limits the rate by 1 / sqrt(t) here in any case, `relative_step` or not.
        rate = ops.minimum(self._rate(learning_rate, dtype), 1.0 / ops.sqrt(step))
        return 1.0 - ops.power(step, self.beta_2_decay), rate

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _rms(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))
