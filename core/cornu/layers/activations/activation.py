"""Any activation function as a layer."""

from __future__ import annotations

from typing import Any

from cornu import activations
from cornu.layers.layer import Layer
from cornu.layers.settings import described


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: A function or its name.

    Example:
        >>> import cornu
        >>> float(cornu.layers.Activation("relu")(cornu.ops.convert_to_tensor([-1.0]))[0])
        0.0
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **described(self, "activation")}
