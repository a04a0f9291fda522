"""What normalizations with a learnt scale and offset share."""

from __future__ import annotations

from typing import Any

from cornu.layers.layer import Layer
from cornu.layers.settings import described, of_weights, resolve, weight


class ScaledNormalization(Layer):
    """A normalization that ends in `gamma * x + beta`; masks pass through.

    Args:
        axis: See the subclass.
        epsilon: Added to the variance.
        center: Whether `beta` is added.
        scale: Whether `gamma` multiplies.
        kwargs: The initializers, regularizers and constraints of `beta` and `gamma`, and what `Layer` takes.
    """

    def __init__(self, axis: Any, epsilon: float, center: bool, scale: bool, **kwargs: Any) -> None:
        weights = {name: kwargs.pop(name) for name in of_weights("beta", "gamma")}
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        resolve(self, **weights)
        self.supports_masking = True

    def _add_scaling(self, shape: tuple[int, ...], center: bool, scale: bool) -> None:
        """Creates `gamma` and `beta` as far as they are wanted; they are never read in 16 bits."""
        self.gamma = weight(self, "gamma", shape, autocast=False) if scale else None
        self.beta = weight(self, "beta", shape, autocast=False) if center else None

    def get_config(self) -> dict[str, Any]:
        names = ("axis", "epsilon", "center", "scale", *of_weights("beta", "gamma"))
        return {**super().get_config(), **described(self, *names)}
