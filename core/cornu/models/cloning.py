"""Copies of models with new weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from cornu import tree
from cornu.layers.core.input_layer import InputLayer
from cornu.models.functional import Functional
from cornu.models.model import Model
from cornu.models.replay import replay
from cornu.models.sequential import Sequential
from cornu.ops.keras_tensor import KerasTensor

Clone = Callable[[Any], Any]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Clone | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same architecture with new layers and new weights, compiled as the old one was.

    Args:
        model: A model.
        input_tensors: KerasTensors to build on, structured like the model's input; new ones if missing.
        clone_function: `(layer) -> layer` makes the copy of each layer but input layers; from its config if missing.
        call_function: `(layer, *args, **kwargs) -> outputs` calls each copy in a functional model.
        recursive: Whether layers of inner models are copied by `clone_function`, too, rather than these as a whole.
        kwargs: None.

    Raises:
        ValueError: If an argument does not fit the kind of model.

    Example:
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        >>> clone = cornu.models.clone_model(model)
        >>> clone.count_params(), clone.layers[0] is model.layers[0]
        (8, False)
    """
    if kwargs:
        raise ValueError(f"clone_model does not know the argument(s) {', '.join(kwargs)}.")
    for name, value in (("clone_function", clone_function), ("call_function", call_function)):
        if value is not None and not callable(value):
            raise ValueError(f"clone_model: `{name}` must be callable, got {value!r}.")
    return _Cloner(clone_function, call_function, recursive).clone(model, input_tensors)


class _Cloner:
    """One run of `clone_model`: a layer that is shared has one copy, shared likewise."""

    def __init__(self, clone: Clone | None, call: Callable[..., Any] | None, recursive: bool) -> None:
        self._clone = clone
        self._call = call
        self._recursive = recursive
        self._copies: dict[int, Any] = {}

    def clone(self, model: Any, input_tensors: Any) -> Any:
        if isinstance(model, Sequential):
            if self._call is not None:
                raise ValueError(
                    f"clone_model: `call_function` is for functional models; {model.name} is a Sequential one, "
                    "whose layers are only listed."
                )
            copy = self._sequential(model, input_tensors)
        elif isinstance(model, Functional):
            copy = self._functional(model, input_tensors)
        else:
            return self._other(model, input_tensors)
        if model.compiled:
            copy.compile_from_config(model.get_compile_config())
        return copy

    def _copy(self, layer: Any) -> Any:
        if id(layer) not in self._copies:
            if self._recursive and isinstance(layer, (Sequential, Functional)):
                call = None if isinstance(layer, Sequential) else self._call
                inner = _Cloner(self._clone, call, True)
                inner._copies = self._copies
                self._copies[id(layer)] = inner.clone(layer, None)
            elif self._clone is not None:
                self._copies[id(layer)] = self._clone(layer)
            else:
                self._copies[id(layer)] = type(layer).from_config(layer.get_config())
        return self._copies[id(layer)]

    def _sequential(self, model: Sequential, input_tensors: Any) -> Sequential:
        layers = [self._copy(layer) for layer in model.layers]
        first = model._stack[0] if model._stack else None
        entrance = first if isinstance(first, InputLayer) else None
        if input_tensors is not None:
            tensors = tree.flatten(input_tensors)
            _check_tensors(tensors)
            if len(tensors) != 1:
                raise ValueError(f"clone_model: Sequential {model.name} has one input, got {len(tensors)} tensors.")
            layers = [_entrance(tensors[0], None if entrance is None else entrance.name), *layers]
        elif entrance is not None:
            layers = [InputLayer.from_config(entrance.get_config()), *layers]
        return Sequential(layers, name=model.name, trainable=model.trainable)

    def _functional(self, model: Functional, input_tensors: Any) -> Any:
        if input_tensors is None:
            inputs = tree.map_structure(_new_input, model.input)
        else:
            _check_tensors(tree.flatten(input_tensors))
            if tree.describe(input_tensors) != tree.describe(model.input):
                raise ValueError(
                    f"clone_model: `input_tensors` must be structured like the input of {model.name}, "
                    f"{tree.describe(model.input)}, got {tree.describe(input_tensors)}."
                )
            inputs = input_tensors
        made = dict(zip(map(id, tree.flatten(model.input)), tree.flatten(inputs), strict=True))

        def perform(operation: Any, *args: Any, **kwargs: Any) -> Any:
            copy = self._copy(operation)
            return copy(*args, **kwargs) if self._call is None else self._call(copy, *args, **kwargs)

        outputs = replay(model.output, made, perform)
        return _functional_class(type(model))(inputs, outputs, name=model.name)

    def _other(self, model: Any, input_tensors: Any) -> Any:
        if self._clone is not None or self._call is not None or input_tensors is not None:
            raise ValueError(
                "clone_model: `input_tensors`, `clone_function` and `call_function` are for Sequential and functional "
                f"models; {model.name} is of the class {type(model).__name__}."
            )
        from cornu.saving import deserialize_keras_object, serialize_keras_object

        config = serialize_keras_object(model)
        return deserialize_keras_object(config, custom_objects={type(model).__name__: type(model)})


def _check_tensors(tensors: list[Any]) -> None:
    wrong = next((tensor for tensor in tensors if not isinstance(tensor, KerasTensor)), None)
    if wrong is not None:
        raise ValueError(f"clone_model: `input_tensors` must be KerasTensors, got {wrong!r}.")


def _entrance(tensor: KerasTensor, name: str | None) -> InputLayer:
    history = tensor._keras_history
    if history is not None and isinstance(history.operation, InputLayer):
        return history.operation
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def _new_input(tensor: KerasTensor) -> KerasTensor:
    history = tensor._keras_history
    assert history is not None
    layer: InputLayer = InputLayer.from_config(history.operation.get_config())
    output: KerasTensor = layer.output
    return output


def _functional_class(cls: type[Functional]) -> type:
    """The class to make a copy with: a subclass where its constructor takes inputs and outputs, as `Functional`'s."""
    names = list(inspect.signature(cls.__init__).parameters)[1:3]
    return cls if cls is not Functional and names == ["inputs", "outputs"] else Model
