"""Dropout for self-normalizing networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import ops, random
from cornu.layers.regularization.noise import Noise, check_noise_shape, mask_shape
from cornu.layers.settings import check_rate

# What `selu` tends to for large negative inputs: -1.6733 * 1.0507.
_DROPPED = -1.7580993408473766


class AlphaDropout(Noise):
    """Sets a random fraction of the inputs to `selu`'s lower limit in training, and keeps mean 0 and variance 1.

    With `c = -1.7581` for what is dropped the result is `a * x + b`,
    `a = ((1 - rate) * (1 + rate * c^2))^(-1/2)` and `b = -a * rate * c`.

    Args:
        rate: The fraction, in [0, 1). At 1 a call in training fails.
        noise_shape: The shape of the mask, broadcast to the input; None in it means the input's size.
        seed: An integer for repeatable masks.

    Raises:
        ValueError: If the rate is not in [0, 1], or the shape of the mask does not fit.

    Source:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017, arXiv:1706.02515.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        check_rate("rate", rate)
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = check_noise_shape(type(self).__name__, noise_shape)

    def disturb(self, inputs: Any) -> Any:
        self._refuse_all(self.rate)
        a = 1.0 / math.sqrt((1.0 - self.rate) * (1.0 + self.rate * _DROPPED**2))
        b = -a * self.rate * _DROPPED
        drawn = random.uniform(mask_shape(self, self.noise_shape, inputs), dtype="float32", seed=self.seed_generator)
        return ops.where(drawn >= self.rate, a * inputs + b, a * _DROPPED + b)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}
