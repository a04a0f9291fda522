"""Dropout of single elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import random
from cornu.layers.regularization.noise import Noise, check_noise_shape, mask_shape
from cornu.layers.settings import check_rate


class Dropout(Noise):
    """Sets a random fraction of the inputs to 0 in training and scales the rest by `1 / (1 - rate)`.

    Args:
        rate: The fraction, in [0, 1].
        noise_shape: The shape of the mask, broadcast to the input; None in it means the input's size. So
            `(None, 1, None)` keeps or drops a feature for all steps of a sample alike.
        seed: An integer for repeatable masks.

    Raises:
        ValueError: If the rate is not in [0, 1], or the shape of the mask does not fit.

    Source:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014.

    Example:
        >>> import cornu
        >>> outputs = cornu.layers.Dropout(0.5, seed=1)(cornu.ops.ones((100,)), training=True)
        >>> sorted(set(outputs.numpy().tolist()))
        [0.0, 2.0]
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        check_rate("rate", rate)
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = check_noise_shape(type(self).__name__, noise_shape)

    def disturb(self, inputs: Any) -> Any:
        shape = mask_shape(self, self._noise_shape_for(inputs), inputs)
        return random.dropout(inputs, self.rate, noise_shape=shape, seed=self.seed_generator)

    def _noise_shape_for(self, inputs: Any) -> tuple[int | None, ...] | None:
        return self.noise_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}
