"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from cornu import tree
from cornu.layers.layer import Layer, tree_of_shapes

_FUNCTIONS = ("function", "output_shape", "mask")


class Lambda(Layer):
    """Calls a function on its input: `function(inputs, **arguments)`.

    A function that has a parameter `mask` or `training` is given them. Weights that it uses are not the layer's: a
    function with weights is better a subclass of `Layer`.

    A named function is written to files by its name, and found there again if it went through
    `cornu.saving.register_keras_serializable`. Python lambdas are written as byte code, which is read only with
    `safe_mode=False` and by the same version of Python.

    Args:
        function: The function.
        output_shape: The shape of one sample of the output, or a list of them, or a function of the input's shape. In
            a functional model it is believed; without it the function is traced.
        mask: The mask of the output, or a function `(inputs, mask)` that makes it.
        arguments: Further keyword arguments of the function.

    Raises:
        ValueError: If the function cannot be called; if `arguments` is no dict; if a lambda is read in safe mode.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.Lambda(cornu.ops.power, arguments={"x2": 2.0})
        >>> float(layer(cornu.ops.array([3.0]))[0])
        9.0
    """

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"Lambda layer '{self.name}': `function` must be callable, got {function!r}.")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise ValueError(f"Lambda layer '{self.name}': `arguments` must be a dict, got {arguments!r}.")
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._takes = {"mask", "training"} & set(inspect.signature(function).parameters)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        further = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: further[name] for name in self._takes})

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output: what `output_shape` says, else found by tracing the function."""
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape
        while first and isinstance(first[0], (list, tuple)):
            first = first[0]
        if any(isinstance(item, (list, tuple)) for item in self._output_shape):
            return [(first[0], *shape) for shape in self._output_shape]
        return (first[0], *self._output_shape)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The output's shapes and dtypes, as KerasTensors."""
        if self._output_shape is None:
            return super().compute_output_spec(*args, **kwargs)
        inputs = args[0] if args else kwargs["inputs"]
        shape = self.compute_output_shape(tree.map_structure(lambda tensor: tensor.shape, inputs))
        return tree_of_shapes(shape, self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "function": _written(self.function), "arguments": self.arguments}
        if self._output_shape is not None:
            config["output_shape"] = _written(self._output_shape)
        if self.mask is not None:
            config["mask"] = _written(self.mask)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Lambda:
        """Makes a layer of `get_config`'s result.

        Args:
            config: The config.
            custom_objects: Functions of yours that it names.

        Raises:
            ValueError: If it holds a lambda, in safe mode.
        """
        read = {name: _read(config, name, custom_objects) for name in _FUNCTIONS if name in config}
        return cls(**{**config, **read})


def _written(value: Any) -> Any:
    """A function as a config, a lambda as byte code in the form that Keras gives it here; shapes as they are."""
    from cornu.saving import serialize_keras_object
    from cornu.saving.functions import dump_function

    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        return {
            "class_name": "__lambda__",
            "config": dict(zip(("code", "defaults", "closure"), dump_function(value), strict=True)),
        }
    return value if isinstance(value, (list, tuple)) else serialize_keras_object(value)


def _read(config: dict[str, Any], name: str, custom_objects: Any) -> Any:
    """A function of a config, or what stands in its place."""
    from cornu.saving import deserialize_keras_object
    from cornu.saving.scopes import in_safe_mode

    value = config[name]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__lambda__" and in_safe_mode():
        raise ValueError(
            f"Lambda layer '{config.get('name')}': its `{name}` is a Python lambda, code that would run on this "
            "machine. If you trust where it comes from, load it with `safe_mode=False`."
        )
    return deserialize_keras_object(value, custom_objects=custom_objects, safe_mode=in_safe_mode())
