"""Layers that act in training only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import random
from cornu.layers.layer import Layer


class Dropout(Layer):
    """Sets a random fraction of the inputs to 0 in training and scales the rest by `1 / (1 - rate)`.

    Args:
        rate: The fraction, in [0, 1].
        noise_shape: The shape of the mask, broadcast to the input: None or sizes in it mean the input's own.
        seed: A seed for repeatable masks.

    Raises:
        ValueError: If the rate is not in [0, 1].

    Source:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(
                "Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
                f"Received: rate={rate}"
            )
        self.rate = rate
        self.seed = seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}
