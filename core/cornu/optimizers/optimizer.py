"""What every optimizer is: state per variable, and an update from gradients, all of it ordinary operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypedDict, Unpack

from cornu import ops
from cornu.backend.config import floatx
from cornu.ir.scope import UPDATE
from cornu.optimizers.averaging import WeightAverage, check_average
from cornu.optimizers.clipping import clip_by_global_norm, clip_by_norm
from cornu.optimizers.schedules import LearningRateSchedule, serialize
from cornu.optimizers.state import OptimizerState, takes_gradient
from cornu.optimizers.weight_decay import WeightDecay
from cornu.tracing.trace import named_scope
from cornu.tracing.variable import Variable
from cornu.utils.holding import holding
from cornu.utils.naming import auto_name


class CommonArguments(TypedDict, total=False):
    """Arguments that every optimizer takes; see `Optimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class Optimizer(WeightDecay, WeightAverage, OptimizerState):
    """Base of the optimizers: a subclass makes its state in `build` and changes one variable in `update_step`.

    Args:
        learning_rate: A float, a `LearningRateSchedule` or a function without arguments.
        weight_decay: w shrinks weights by `w · learning rate` of themselves before each update; None does not.
        clipnorm: The largest norm of a gradient, each on its own.
        clipvalue: The largest absolute value in a gradient.
        global_clipnorm: The largest norm of all gradients together.
        use_ema: Whether to keep an exponential moving average of the weights.
        ema_momentum: The average's momentum, in [0, 1].
        ema_overwrite_frequency: After how many steps the weights are replaced by the average; None leaves that to
            `finalize_variable_values`, which `fit` calls at its end.
        loss_scale_factor: The loss is multiplied by it, and the gradients divided.
        gradient_accumulation_steps: How many steps' gradients are averaged for one update; at least 2, or None.
        name: A name; made up if missing.

    Raises:
        ValueError: If an argument is not as described, or more than one kind of clipping is asked for.

    Example:
        >>> class Signed(Optimizer):
        ...     def __init__(self, learning_rate=0.1, **kwargs):
        ...         super().__init__(learning_rate, **kwargs)
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         variable.assign_sub(learning_rate * ops.sign(gradient))
        >>> weight = Variable([1.0, 2.0])
        >>> Signed().apply([ops.array([5.0, -5.0])], [weight])
        >>> weight.numpy().round(2)
        array([0.9, 2.1], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        if kwargs.pop("decay", None) is not None:
            warnings.warn(f"{kind}: `decay` is no longer supported and has no effect.", stacklevel=3)
        if kwargs:
            raise ValueError(f"{kind} does not know the argument(s) {', '.join(kwargs)}.")
        if sum(given is not None for given in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                f"{kind}: only one of `clipnorm`, `clipvalue` and `global_clipnorm` may be given, got "
                f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}."
            )
        if gradient_accumulation_steps and gradient_accumulation_steps < 2:
            raise ValueError(
                f"{kind}: `gradient_accumulation_steps` must be at least 2, got {gradient_accumulation_steps}."
            )
        if use_ema:
            check_average(kind, ema_momentum, ema_overwrite_frequency)
        self._variables = {}
        self._trainable_variables: list[Variable] = []
        self._positions: dict[int, int] = {}
        self._once: dict[Any, Any] | None = None
        self.name = name if name is not None else auto_name(kind)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._iterations = self._variable(0, name="iteration", dtype="int32", aggregation="only_first_replica")
        if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
            self._learning_rate: Any = learning_rate
        elif isinstance(learning_rate, float):
            self._learning_rate = self._variable(
                learning_rate, name="learning_rate", dtype=floatx(), aggregation="only_first_replica"
            )
        else:
            raise ValueError(
                f"{kind}: `learning_rate` must be a float, a LearningRateSchedule or a function without arguments, "
                f"got {learning_rate!r}."
            )

    # -- state ---------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the state for the variables to train.

        Args:
            variables: All variables that will ever be given to `apply`.
        """
        variables = list(variables)
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        self._positions = {id(variable): i for i, variable in enumerate(variables)}
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = [
                self.add_variable_from_reference(variable, name="gradient_accumulator") for variable in variables
            ]
        self._trainable_variables = variables
        self.built = True

    def _get_variable_index(self, variable: Variable) -> int:
        return self._positions[id(variable)]

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a variable; here for subclasses written for Keras."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable; here for subclasses written for Keras."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable; here for subclasses written for Keras."""
        variable.assign_sub(value)

    # -- updating ------------------------------------------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable.

        Args:
            gradient: Its gradient.
            variable: The variable.
            learning_rate: The learning rate, a scalar.

        Raises:
            TypeError: If a subclass does not override it.
        """
        raise TypeError(f"{type(self).__name__} must override `update_step(gradient, variable, learning_rate)`.")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """`apply` with pairs of gradient and variable; returns the step counter."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Changes the variables.

        Args:
            grads: One gradient per variable; None where there is none.
            trainable_variables: The variables; None are those given to `build`.

        Raises:
            ValueError: If the numbers do not fit, a variable was not given to `build`, or there is no gradient at all.
        """
        if not len(grads):
            return
        variables = self._known_variables(grads, trainable_variables)
        self._once = {}
        try:
            with named_scope(f"{UPDATE}/{self.name}"):
                pairs = self._with_gradient(grads, variables)
                for gradient, variable in [pair for pair in pairs if takes_gradient(pair[1])]:
                    self._overwrite(variable, gradient)
                pairs = [pair for pair in pairs if not takes_gradient(pair[1])]
                if pairs:
                    self._update(pairs)
                self._iterations.assign_add(1)
        finally:
            self._once = None

    def _known_variables(self, grads: Sequence[Any], variables: Sequence[Variable] | None) -> list[Variable]:
        kind = type(self).__name__
        if variables is None:
            if not self.built:
                raise ValueError(f"{kind}: without variables, call `build(variables)` before `apply(grads)`.")
            if len(grads) != len(self._trainable_variables):
                raise ValueError(
                    f"{kind}: expected one gradient for each of the {len(self._trainable_variables)} variables given "
                    f"to `build`, got {len(grads)}."
                )
            return self._trainable_variables
        variables = list(variables)
        if not self.built:
            self.build(variables)
        for variable in variables:
            if id(variable) not in self._positions:
                raise ValueError(
                    f"{kind}: unknown variable {variable.path}. An optimizer changes only the variables that it was "
                    "built with; make a new one for others."
                )
        return variables

    def _with_gradient(self, grads: Sequence[Any], variables: Sequence[Variable]) -> list[tuple[Any, Variable]]:
        pairs = [pair for pair in zip(grads, variables, strict=True) if pair[0] is not None]
        if not pairs:
            raise ValueError(f"{type(self).__name__}: there is no gradient for any variable.")
        if len(pairs) < len(variables):
            missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
            warnings.warn(
                f"There are no gradients for the variables {missing}: the loss does not depend on them. Was a `loss` "
                "given to `compile`?",
                stacklevel=4,
            )
        return pairs

    def _overwrite(self, variable: Variable, gradient: Any) -> None:
        """A variable that takes its gradient as its value (a scale, say); accumulated by the maximum."""
        if not self.gradient_accumulation_steps:
            variable.assign(gradient)
            return
        held = self._accumulated_gradients[self._get_variable_index(variable)]
        largest = ops.maximum(gradient, held.value)
        due = self._update_is_due()
        variable.assign(ops.where(due, largest, variable.value))
        held.assign(ops.where(due, ops.zeros_like(largest), largest))

    def _update(self, pairs: list[tuple[Any, Variable]]) -> None:
        grads, variables = [g for g, _ in pairs], [v for _, v in pairs]
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._change(grads, variables)
        if self.use_ema:
            self._update_average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))

    def _change(self, grads: list[Any], variables: list[Variable]) -> None:
        grads = self._clip_gradients(grads)
        self._apply_weight_decay(variables)
        self._backend_update_step(grads, variables, self.learning_rate)

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Variable], learning_rate: Any) -> None:
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    def _update_is_due(self) -> Any:
        steps = self.gradient_accumulation_steps
        return ops.equal(ops.mod(self._iterations.value + 1, steps), 0)

    def _accumulate(self, grads: list[Any], variables: list[Variable]) -> None:
        steps = self.gradient_accumulation_steps
        held = [self._accumulated_gradients[self._get_variable_index(variable)] for variable in variables]
        sums = [g + h.value for g, h in zip(grads, held, strict=True)]

        def change() -> None:
            self._once = {}
            self._change([total / steps for total in sums], variables)
            for accumulator in self._accumulated_gradients:
                accumulator.assign(ops.zeros(accumulator.shape, dtype=accumulator.dtype))

        def wait() -> None:
            for accumulator, total in zip(held, sums, strict=True):
                accumulator.assign(total)

        ops.cond(self._update_is_due(), change, wait)
        self._once = {}

    def _per_step(self, key: str, dtype: str, compute: Callable[[], Any]) -> Any:
        """A scalar that is computed once per step and dtype, rather than once per variable."""
        if self._once is None:
            return compute()
        if (key, dtype) not in self._once:
            self._once[key, dtype] = compute()
        return self._once[key, dtype]

    def _rate(self, learning_rate: Any, dtype: str) -> Any:
        return self._per_step("learning_rate", dtype, lambda: ops.cast(learning_rate, dtype))

    def _step(self, dtype: str) -> Any:
        """The number of the update that is being made, from 1, as a float."""
        return self._per_step("step", dtype, lambda: ops.cast(ops.add(self.iterations, 1), dtype))

    def _power(self, key: str, base: float, dtype: str) -> Any:
        """`base ^ step`."""
        return self._per_step(key, dtype, lambda: ops.power(ops.cast(base, dtype), self._step(dtype)))

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm and self.clipnorm > 0:
            return [clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """An update without side effects.

        Args:
            optimizer_variables: A value per variable of the optimizer.
            grads: A gradient per trainable variable.
            trainable_variables: A value per variable given to `build`.

        Returns:
            The new values of the trainable variables, and of the optimizer's.

        Raises:
            ValueError: If the optimizer is not built or the numbers do not fit.
        """
        kind = type(self).__name__
        if not self.built:
            raise ValueError(f"{kind}: call `build(trainable_variables)` before `stateless_apply`.")
        own = self.variables
        if len(optimizer_variables) != len(own) or len(trainable_variables) != len(self._trainable_variables):
            raise ValueError(
                f"{kind}: expected {len(own)} optimizer values and {len(self._trainable_variables)} trainable values, "
                f"got {len(optimizer_variables)} and {len(trainable_variables)}."
            )
        held = [*self._trainable_variables, *own]
        with holding(held, [*trainable_variables, *optimizer_variables]):
            self.apply(grads)
            return [v.value for v in self._trainable_variables], [v.value for v in own]

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale factor, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # -- learning rate -------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or a schedule's value for the present step."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        held = self._learning_rate
        if isinstance(learning_rate, LearningRateSchedule) or (
            callable(learning_rate) and not isinstance(learning_rate, Variable)
        ):
            self._learning_rate = learning_rate
            if isinstance(held, Variable):
                self._variables.pop(held, None)
        elif isinstance(held, Variable):
            held.assign(learning_rate)
        else:
            raise TypeError(
                f"{type(self).__name__} was made with a schedule or function as its learning rate, which therefore "
                "cannot be set to a number; make it with a float."
            )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "learning_rate": self._learning_rate_config(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    def _learning_rate_config(self) -> Any:
        if isinstance(self._learning_rate, Variable):
            return float(self._learning_rate.concrete())
        return serialize(self._learning_rate)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        """An optimizer from its constructor's arguments."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            from cornu.optimizers.schedules import deserialize

            config["learning_rate"] = deserialize(config["learning_rate"], custom_objects)
        return cls(**config)


__all__ = ["CommonArguments", "Optimizer", "Unpack"]
