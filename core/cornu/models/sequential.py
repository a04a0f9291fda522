"""A stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import tree
from cornu.layers.core.input_layer import InputLayer
from cornu.layers.layer import Layer
from cornu.models.functional import Functional
from cornu.models.model import Model
from cornu.ops.keras_tensor import KerasTensor
from cornu.training.trainer import Trainer


class Sequential(Model):
    """A model that applies layers one after another.

    It is built when the input's shape is known: from an `Input`, from a first layer with `input_shape`, from
    `build(shape)`, or from the first data.

    Args:
        layers: Layers to start with.
        trainable: Whether they are trained.
        name: A name.

    Example:
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(
        self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None, **kwargs: Any
    ) -> None:
        Trainer.__init__(self)
        Layer.__init__(self, trainable=trainable, name=name, **kwargs)
        self._functional: Functional | None = None
        self._stack: list[Layer] = []
        for layer in layers or ():
            self._append(layer)
        self._maybe_rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Adds a layer at the end.

        Raises:
            ValueError: If it is not a layer, has the name of another, or is an input after the first.
        """
        self._append(layer)
        if rebuild:
            self._maybe_rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer and returns it.

        Raises:
            ValueError: If there is none.
        """
        if not self._stack:
            raise ValueError(f"Sequential model '{self.name}' has no layers to remove.")
        layer = self._stack.pop()
        self._functional = None
        self.built = False
        if rebuild:
            self._maybe_rebuild()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor) and layer._keras_history is not None:
            layer = layer._keras_history.operation
        if not isinstance(layer, Layer):
            if not callable(layer):
                raise ValueError(
                    "Only instances of `Layer` can be added to a Sequential model. "
                    f"Received: {layer} (of type {type(layer)})"
                )
            raise ValueError(f"Sequential {self.name}: wrap the function {layer!r} in a layer, such as `Activation`.")
        if any(known.name == layer.name for known in self._stack):
            raise ValueError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the "
                "name of a layer in this model. Update the `name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{self._stack[0]}. You cannot add a different Input layer to it."
            )
        if not self._stack and not isinstance(layer, InputLayer):
            shape = layer._input_shape_argument
            if shape is not None:
                self._stack.append(InputLayer(batch_shape=shape))
        self._stack.append(layer)
        self._functional = None
        self.built = False

    def _maybe_rebuild(self) -> None:
        if self._stack and isinstance(self._stack[0], InputLayer) and len(self._stack) > 1:
            self.build(self._stack[0].batch_shape)
        elif len(self._stack) > 0 and isinstance(self._stack[0], Functional) and len(self._stack) > 1:
            shape = self._stack[0].input_shape
            if isinstance(shape, tuple):
                self.build(shape)

    def build(self, input_shape: Any = None) -> None:
        """Builds every layer for an input shape.

        Raises:
            ValueError: If the shape is not one tuple, or there are no layers.
        """
        if (
            input_shape is None
            or not isinstance(input_shape, (tuple, list))
            or not all(isinstance(size, (int, type(None))) for size in input_shape)
        ):
            raise ValueError(
                f"Sequential model '{self.name}' must be built with one shape, such as (None, 28, 28), "
                f"got {input_shape!r}."
            )
        if not self._stack:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. Call `model.add(layer)`."
            )
        if self._functional is not None:
            return
        if not isinstance(self._stack[0], InputLayer):
            self._stack.insert(0, InputLayer(batch_shape=tuple(input_shape), dtype=self._first_dtype()))
        inputs = x = self._stack[0].output
        for layer in self._stack[1:]:
            x = layer(x)
        self._functional = Functional(inputs, x, name=self.name)

    def _first_dtype(self) -> str | None:
        from cornu.layers.core.embedding import Embedding

        return "int32" if isinstance(self._stack[0], Embedding) else None

    def _ensure_built(self, args: Any, kwargs: Any) -> None:
        if self._functional is None and args:
            leaf = tree.flatten(args[0])[0]
            self.build((None, *leaf.shape[1:]))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        if kwargs:
            raise TypeError(f"Sequential model '{self.name}' does not know the argument(s) {', '.join(kwargs)}.")
        assert self._functional is not None
        return self._functional.call(inputs, training=training, mask=mask)

    def _convert_input(self, leaf: Any) -> Any:
        return leaf

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input layer."""
        return self._stack[1:] if self._stack and isinstance(self._stack[0], InputLayer) else list(self._stack)

    @property
    def _layers(self) -> list[Layer]:
        return list(self._stack)

    @_layers.setter
    def _layers(self, layers: list[Layer]) -> None:
        self._stack = list(layers)

    @property
    def _graph(self) -> Any:
        return self._built_model()._graph

    def _built_model(self) -> Functional:
        if self._functional is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined inputs or outputs yet: it isn't built."
            )
        return self._functional

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input, in a list."""
        return self._built_model().inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic output, in a list."""
        return self._built_model().outputs

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._built_model().input

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._built_model().output

    @property
    def input_shape(self) -> Any:
        """The input's shape."""
        return self._built_model().input_shape

    @property
    def output_shape(self) -> Any:
        """The output's shape."""
        return self._built_model().output_shape

    @property
    def input_names(self) -> list[str]:
        """The input's name, in a list."""
        return self._built_model().input_names

    @property
    def output_names(self) -> list[str]:
        """The last layer's name, in a list."""
        return self._built_model().output_names

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for an input shape."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        config = {
            **Layer.get_config(self),
            "layers": [serialize_keras_object(layer) for layer in self._stack],
        }
        if self._functional is not None:
            config["build_input_shape"] = self._stack[0].batch_shape  # type: ignore[attr-defined]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Sequential:
        """Makes a model of `get_config`'s result."""
        from cornu.saving import deserialize_keras_object

        model = cls(name=config.get("name"), trainable=config.get("trainable", True), dtype=config.get("dtype"))
        for layer in config["layers"]:
            model.add(deserialize_keras_object(layer, custom_objects=custom_objects), rebuild=False)
        shape = config.get("build_input_shape")
        if model._functional is None and shape is not None and isinstance(shape, (tuple, list)) and model._stack:
            model.build(tuple(shape))
        model._maybe_rebuild() if model._functional is None else None
        return model
