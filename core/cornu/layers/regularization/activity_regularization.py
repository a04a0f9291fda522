"""A penalty on activations."""

from __future__ import annotations

from typing import Any

from cornu.layers.layer import Layer
from cornu.regularizers import L1L2


class ActivityRegularization(Layer):
    """Passes its input on and adds `(l1 * sum |x| + l2 * sum x^2) / batch` to the losses.

    Args:
        l1: The factor of the absolute values.
        l2: The factor of the squares.

    Raises:
        ValueError: If a factor is negative.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.ActivityRegularization(l1=0.5)
        >>> _ = layer(cornu.ops.array([[1.0, -3.0]]))
        >>> float(layer.losses[0])
        2.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "l1": self.l1, "l2": self.l2}
        del config["activity_regularizer"]  # the two factors make it
        return config
