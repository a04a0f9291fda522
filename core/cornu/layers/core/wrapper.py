"""The base of layers around another layer."""

from __future__ import annotations

from typing import Any

from cornu.layers.layer import Layer


class Wrapper(Layer):
    """A layer that holds another one, builds it and describes it; what it computes is said by a subclass's `call`.

    Args:
        layer: The layer inside.

    Raises:
        ValueError: If that is no layer.

    Example:
        >>> import cornu
        >>> class Twice(cornu.layers.Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(self.layer(inputs))
        >>> halve = cornu.layers.Rescaling(0.5)
        >>> float(Twice(halve)(cornu.ops.array([8.0]))[0])
        2.0
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__}: `layer` must be a layer, got {layer!r} of {type(layer).__name__}."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes the layer inside, and with it the wrapper.

        Args:
            config: What `get_config` gave.
            custom_objects: Classes and functions of yours that it names.
        """
        from cornu.saving import deserialize_keras_object

        layer = deserialize_keras_object(config["layer"], custom_objects=custom_objects)
        return cls(**{**config, "layer": layer})
