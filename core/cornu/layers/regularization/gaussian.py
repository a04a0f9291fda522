"""Normally distributed noise."""

from __future__ import annotations

import math
from typing import Any

from cornu import ops, random
from cornu.layers.regularization.noise import Noise
from cornu.layers.settings import check_rate


class GaussianNoise(Noise):
    """Adds numbers of mean 0 and standard deviation `stddev` in training.

    Args:
        stddev: The standard deviation, in [0, 1].
        seed: An integer for repeatable noise.

    Raises:
        ValueError: If the standard deviation is not in [0, 1].

    Example:
        >>> import cornu
        >>> layer = cornu.layers.GaussianNoise(0.1, seed=1)
        >>> bool((abs(layer(cornu.ops.ones((9,)), training=True) - 1.0) < 1.0).numpy().all())
        True
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        check_rate("stddev", stddev)
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def disturb(self, inputs: Any) -> Any:
        noise = random.normal(ops.shape(inputs), stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator)
        return ops.add(inputs, noise)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(Noise):
    """Multiplies by numbers of mean 1 and standard deviation `sqrt(rate / (1 - rate))` in training.

    These are the mean and the deviation of what `Dropout` multiplies by.

    Args:
        rate: The fraction that dropout with this deviation would drop, in [0, 1). At 1 a call in training fails.
        seed: An integer for repeatable noise.

    Raises:
        ValueError: If the rate is not in [0, 1].

    Source:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        check_rate("rate", rate)
        super().__init__(rate, seed, **kwargs)
        self.rate = rate

    def disturb(self, inputs: Any) -> Any:
        self._refuse_all(self.rate)
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        factors = random.normal(ops.shape(inputs), 1.0, stddev, dtype=self.compute_dtype, seed=self.seed_generator)
        return ops.multiply(inputs, factors)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}
