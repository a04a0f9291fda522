"""Dynamic loss scaling for float16."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.ir.scope import UPDATE
from cornu.optimizers.optimizer import Optimizer
from cornu.tracing.trace import named_scope
from cornu.tracing.variable import Variable


class LossScaleOptimizer(Optimizer):
    """Keeps float16 gradients from vanishing: the loss is multiplied by a scale and gradients divided by it.

    The scale doubles after `dynamic_growth_steps` steps with finite gradients; where one is not finite, it halves and
    the step is left out.

    Args:
        inner_optimizer: The optimizer that makes the updates.
        initial_scale: The first scale.
        dynamic_growth_steps: After how many good steps it doubles.
        name: A name.
        **kwargs: None: what other optimizers take belongs to the inner one.

    Raises:
        ValueError: If an argument of the inner optimizer is given here.

    Source: Micikevicius et al. 2018.
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(
                f"LossScaleOptimizer does not take {', '.join(kwargs)}: give such arguments to the inner optimizer."
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self.step_counter = self.add_variable((), "zeros", "int32", name="step_counter")
        self.dynamic_scale = self._variable(float(self.initial_scale), name="dynamic_scale", dtype="float32")
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """The scale's variables and those of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Changes the variables where all gradients are finite; see `Optimizer.apply`."""
        if not len(grads):
            return
        variables = self._known_variables(grads, trainable_variables)

        def update() -> None:
            scale = self.dynamic_scale.value
            unscaled = [None if g is None else g / ops.cast(scale, g.dtype) for g in grads]
            self.inner_optimizer.apply(unscaled, variables)
            grown = ops.equal(self.step_counter.value, self.dynamic_growth_steps - 1)
            self.dynamic_scale.assign(ops.where(grown, scale * 2.0, scale))
            self.step_counter.assign(ops.where(grown, 0, self.step_counter.value + 1))

        def leave_out() -> None:
            self.dynamic_scale.assign(self.dynamic_scale.value * 0.5)
            self.step_counter.assign(0)

        with named_scope(UPDATE):
            ops.cond(self.check_finite(grads), update, leave_out)

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """True where no gradient holds an infinity or NaN."""
        finite = [ops.all(ops.isfinite(g)) for g in grads if g is not None]
        return ops.all(ops.stack(finite))

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the present scale."""
        return loss * (ops.cast(self.dynamic_scale.value, loss.dtype) if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """The inner optimizer's end of training."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LossScaleOptimizer:
        """An optimizer from its constructor's arguments."""
        from cornu.optimizers import deserialize

        inner = config["inner_optimizer"]
        inner = inner if isinstance(inner, Optimizer) else deserialize(inner, custom_objects)
        return cls(**{**config, "inner_optimizer": inner})
