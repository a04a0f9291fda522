"""Layers applied one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.layers.layer import Layer


class Pipeline(Layer):
    """Layers applied one after the other, as preprocessing is.

    Args:
        layers: The layers.
        name: A name.

    Example:
        >>> import cornu
        >>> pipeline = cornu.layers.Pipeline([cornu.layers.Rescaling(2.0), cornu.layers.Rescaling(1.0, offset=1.0)])
        >>> pipeline(cornu.ops.ones((1, 2))).numpy().tolist()
        [[3.0, 3.0]]
    """

    def __init__(self, layers: Sequence[Any], name: str | None = None) -> None:
        super().__init__(name=name)
        for layer in layers:
            if not callable(layer):
                raise ValueError(f"Pipeline: `layers` must be layers, got {layer!r}.")
        self._steps = list(layers)
        self.built = True

    @property
    def layers(self) -> list[Any]:
        """The layers."""
        return self._steps

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        for layer in self._steps:
            inputs = layer(inputs, training=training) if layer._accepts("training") else layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {"layers": [serialize_keras_object(layer) for layer in self._steps], "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a pipeline of `get_config`'s result."""
        from cornu.saving import deserialize_keras_object

        return cls([deserialize_keras_object(layer) for layer in config["layers"]], name=config.get("name"))
