"""Layers for the branches of residual networks."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops, random
from cornu.layers import Layer

from cornu_extras.checks import last_size, probability


class StochasticDepth(Layer):
    """Sets whole samples to 0 in training, and scales the others: `x · b / (1 − rate)`, `b` is 0 or 1 per sample.

    Put it at the end of a residual branch: a dropped sample then takes the shortcut alone. It is also called DropPath.

    Args:
        rate: The probability that a sample is dropped, in [0, 1).
        seed: A seed for repeatable choices.

    Shape:
        `(batch, ...)` → the same.

    Raises:
        ValueError: The rate is not in [0, 1).

    Source:
        Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.

    Example:
        >>> StochasticDepth(0.2)(cornu.ops.ones((2, 3))).shape
        (2, 3)
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = probability("StochasticDepth", "rate", rate)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drops samples in training."""
        if not training or self.rate == 0:
            return inputs
        one_for_each_sample = (ops.shape(inputs)[0], *[1] * (len(inputs.shape) - 1))
        return random.dropout(inputs, self.rate, noise_shape=one_for_each_sample, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class LayerScale(Layer):
    """Multiplies each channel by a trained factor: `γ ⊙ x`.

    The factors begin small, so that a residual branch is nearly off when training begins.

    Args:
        init_value: The first value of the factors.

    Shape:
        `(batch, ..., channels)` → the same.

    Source:
        Touvron et al., "Going deeper with Image Transformers", ICCV 2021.

    Example:
        >>> float(LayerScale(0.5)(cornu.ops.ones((1, 1)))[0, 0])
        0.5
    """

    def __init__(self, init_value: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_value = float(init_value)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `gamma` (channels,)."""
        size = last_size("LayerScale", self.name, input_shape)
        self.gamma = self.add_weight((size,), initializers.Constant(self.init_value), name="gamma")

    def call(self, inputs: Any) -> Any:
        """Scales."""
        return ops.multiply(inputs, self.gamma)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "init_value": self.init_value}
