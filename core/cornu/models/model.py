"""Models: layers that can be trained, saved and exported."""

from __future__ import annotations

from typing import Any

from cornu.layers.layer import Layer
from cornu.training.trainer import Trainer


class Model(Trainer, Layer):
    """A layer with `compile`, `fit`, `evaluate`, `predict`, `save` and `export`.

    `Model(inputs, outputs)` makes a functional model; a subclass defines `call`.

    Args:
        inputs: KerasTensors: one, or a list, tuple or dict of them.
        outputs: KerasTensors that depend on them.
        name: A name.

    Example:
        >>> import cornu
        >>> x = cornu.Input((3,))
        >>> model = cornu.Model(x, cornu.layers.Dense(2)(x))
        >>> model.predict(cornu.ops.ones((4, 3)).numpy(), verbose=0).shape
        (4, 2)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        from cornu.models.functional import Functional, are_functional_arguments

        if cls is Model and are_functional_arguments(args, kwargs):
            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        from cornu.models.functional import Functional, are_functional_arguments

        Trainer.__init__(self)
        if are_functional_arguments(args, kwargs) and not isinstance(self, Functional):
            _become_functional(type(self))
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
            return
        Layer.__init__(self, *args, **kwargs)

    @property
    def layers(self) -> list[Layer]:
        """The layers that the model holds directly."""
        return list(self._layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place.

        Raises:
            ValueError: If there is none, or neither or both are given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer takes either a name or an index, got name={name!r}, index={index!r}.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"{self.name} has {len(self.layers)} layers; there is no layer {index}.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}.")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"Model {type(self).__name__} must define `call`.")

    # -- state ---------------------------------------------------------------------------------------------------

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """The values of all variables, nested by path.

        Args:
            value_format: "backend_tensor" or "numpy_array".

        Returns:
            A dict with "trainable_variables", "non_trainable_variables", "optimizer_variables" and
            "metrics_variables".
        """
        from cornu.models.state_tree import get_state_tree

        return get_state_tree(self, value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Sets variables from `get_state_tree`'s result, or from some of its groups; all are checked before any is set.

        Raises:
            ValueError: If a group is unknown or a value is missing.
        """
        from cornu.models.state_tree import set_state_tree

        set_state_tree(self, state_tree)

    # -- showing, saving, exporting ------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints the layers with their output shapes and numbers of parameters.

        Args:
            line_length: The width; that of the terminal if missing.
            positions: Relative widths of the columns, growing to 1.
            print_fn: What prints the text; standard output if missing.
            expand_nested: Whether layers of inner models are shown.
            show_trainable: Whether a column says which layers are trained.
            layer_range: The names (or patterns) of the first and the last layer to show.
        """
        from cornu.models.summary import print_summary

        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Saves the model as `.keras` or `.h5`, in Keras's formats."""
        from cornu.saving import save_model

        save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Saves the weights as `.weights.h5`."""
        from cornu.saving import save_weights

        save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Loads weights from a `.weights.h5`, `.keras` or `.h5` file."""
        from cornu.saving import load_weights

        load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str = "onnx",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Writes the program that `predict` runs as an ONNX file.

        Args:
            filepath: Where to write.
            format: "onnx".
            verbose: Whether to say what was written.
            input_signature: Shapes and dtypes of the inputs; the model's own if missing.
            kwargs: What else `cornu.export.export_model` takes: `opset_version`, `dynamic_shapes`, `verify`, `kind`,
                `quantize`, ...

        Returns:
            A `cornu.export.ExportReport`.

        Raises:
            ValueError: If an argument has no such value, or the model is not built.
        """
        from cornu.export import export_model

        return export_model(self, filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON."""
        import json

        from cornu.saving import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the model for the input shape that was recorded."""
        if not config or self.built:
            return
        if "input_shape" in config:
            from cornu.models.symbolic import build_by_calling

            build_by_calling(self, config["input_shape"])

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes a model of `get_config`'s result."""
        from cornu.models.functional import Functional, functional_from_config

        if {"name", "layers", "input_layers", "output_layers"} <= set(config):
            return functional_from_config(Functional if cls is Model else cls, config, custom_objects)
        return cls(**config)


def _become_functional(cls: type) -> None:
    """Puts `Functional` under the subclasses of `Model` that call `super().__init__(inputs, outputs)`."""
    from cornu.models.functional import Functional

    if cls is Model or issubclass(cls, Functional):
        return
    for base in cls.__bases__:
        if issubclass(base, Model) and base is not Model:
            _become_functional(base)
    cls.__bases__ = tuple(Functional if base is Model else base for base in cls.__bases__)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """A model from `to_json`'s result."""
    import json

    from cornu.saving import deserialize_keras_object

    return deserialize_keras_object(json.loads(json_string), custom_objects=custom_objects)
