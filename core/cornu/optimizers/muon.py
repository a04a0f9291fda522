"""Muon: momentum whose matrix is made orthogonal."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.optimizers.arguments import with_common_arguments
from cornu.optimizers.optimizer import Optimizer
from cornu.tracing.variable import Variable


class Muon(Optimizer):
    """For matrices, `w -= learning_rate · scale · orthogonal(m)`; for all else AdamW.

    The nearest orthogonal matrix is approached by `ns_steps` of the Newton-Schulz iteration
    `x ← a x + (b x xᵀ + c (x xᵀ)²) x`; the scale is `rms_rate · sqrt(max(rows, columns))`.

    Args:
        learning_rate: A float, a schedule or a function.
        adam_beta_1: Adam's decay of the mean.
        adam_beta_2: Adam's decay of the mean square.
        adam_weight_decay: Weight decay of what Adam updates.
        epsilon: Adam's epsilon.
        weight_decay: Weight decay of matrices.
        exclude_layers: Patterns; a variable whose path contains one is updated by Adam.
        exclude_embeddings: Whether embeddings are updated by Adam.
        muon_a: a of the iteration.
        muon_b: b of the iteration.
        muon_c: c of the iteration.
        adam_lr_ratio: Adam's learning rate as a part of Muon's.
        momentum: The momentum.
        ns_steps: How many iterations.
        nesterov: Whether to look ahead.
        rms_rate: The factor of the scale; None does not scale.
        **kwargs: See `Optimizer`.

    Source: Jordan et al. 2024; Liu et al. 2025 for the scale.
    """

    @with_common_arguments
    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _should_use_adamw(self, variable: Variable) -> bool:
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums: list[Variable | None] = []
        self.adam_velocities: list[Variable | None] = []
        for variable in variables:
            plain = not getattr(variable, "overwrite_with_gradient", False)
            adam = plain and self._should_use_adamw(variable)
            make = self.add_variable_from_reference
            self.momentums.append(make(variable, name="momentum") if plain else None)
            self.adam_velocities.append(make(variable, name="velocity") if adam else None)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        i = self._get_variable_index(variable)
        held, velocity = self.momentums[i], self.adam_velocities[i]
        assert held is not None
        rate = self._rate(learning_rate, dtype)
        if velocity is not None:
            self._adam_step(gradient, variable, rate * self.adam_lr_ratio, held, velocity)
            return
        m = held.value * self.momentum + gradient
        held.assign(m)
        direction = self._orthogonal(gradient + m * self.momentum if self.nesterov else m)
        scale = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(variable.shape))
        variable.assign(variable.value - direction * (rate * scale))

    def _adam_step(self, gradient: Any, variable: Variable, rate: Any, held: Variable, velocity: Variable) -> None:
        dtype = variable.dtype
        mean_decay = self._power("beta_1_power", self.adam_beta_1, dtype)
        square_decay = self._power("beta_2_power", self.adam_beta_2, dtype)
        alpha = rate * ops.sqrt(1.0 - square_decay) / (1.0 - mean_decay)
        m, v = held.value, velocity.value
        m = m + (gradient - m) * (1 - self.adam_beta_1)
        v = v + (gradient * gradient - v) * (1 - self.adam_beta_2)
        held.assign(m)
        velocity.assign(v)
        variable.assign(variable.value - m * alpha / (ops.sqrt(v) + self.epsilon))

    def _orthogonal(self, x: Any) -> Any:
        tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if tall else x
        x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            x = x * self.muon_a + ops.matmul(square * self.muon_b + ops.matmul(square * self.muon_c, square), x)
        return ops.transpose(x) if tall else x

    def _weight_decay_of(self, variable: Variable) -> float | None:
        if not self._use_weight_decay(variable):
            return None
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def get_config(self) -> dict[str, Any]:
        names = (
            "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c", "adam_lr_ratio",
            "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
