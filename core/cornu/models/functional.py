"""Functional models: a graph of operations between symbolic inputs and outputs."""

from __future__ import annotations

import inspect
from typing import Any

from cornu import ops, tree
from cornu.ir.types import TensorType
from cornu.layers.core.input_layer import InputLayer
from cornu.layers.layer import Layer
from cornu.models.graph import Graph
from cornu.models.model import Model
from cornu.models.replay import from_hidden
from cornu.ops.keras_tensor import KerasTensor
from cornu.ops.operation import Node, Operation
from cornu.tracing.tensor import Tensor
from cornu.utils.failures import shown


def are_functional_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a model's constructor was given inputs and outputs."""
    return len(args) == 2 or (len(args) == 1 and "outputs" in kwargs) or {"inputs", "outputs"} <= set(kwargs)


class Functional(Model):
    """A model made of the operations between `inputs` and `outputs`.

    Args:
        inputs: KerasTensors: one, or a list, tuple or dict of them; those inside another model become inputs here.
        outputs: KerasTensors that depend on them.
        name: A name.
        trainable: Whether its layers are trained.

    Raises:
        ValueError: If inputs or outputs are not symbolic, or an output depends on something else.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        from cornu.training.trainer import Trainer

        for label, structure in (("inputs", inputs), ("outputs", outputs)):
            for leaf in tree.flatten(structure):
                if not isinstance(leaf, KerasTensor):
                    raise ValueError(f"All `{label}` values must be KerasTensors. Received: {label}={shown(structure)}")
        Trainer.__init__(self)
        trainable = kwargs.pop("trainable", None)
        Layer.__init__(self, name=name, **kwargs)
        inputs, outputs = from_hidden(tree.map_structure(_as_entrance, inputs), outputs)
        self._inputs_struct = inputs
        self._outputs_struct = outputs
        self._graph = Graph(tree.flatten(inputs), tree.flatten(outputs), self.name)
        self.input_spec = None
        self.supports_masking = True
        self.built = True
        if trainable is not None:
            self.trainable = trainable

    # -- structure -----------------------------------------------------------------------------------------------

    @property
    def _layers(self) -> list[Layer]:
        inside = [operation for operation in self._graph.operations if isinstance(operation, Layer)]
        extra = [layer for layer in super()._layers if layer not in inside]
        return [*inside, *extra]

    @property
    def operations(self) -> list[Operation]:
        """Layers and other operations, in order."""
        return list(self._graph.operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs."""
        return self._graph.inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs."""
        return self._graph.outputs

    @property
    def input(self) -> Any:
        """The symbolic inputs in their structure."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs in their structure."""
        return self._outputs_struct

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return tree.map_structure(lambda tensor: tensor.shape, self._inputs_struct)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return tree.map_structure(lambda tensor: tensor.shape, self._outputs_struct)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [tensor.name for tensor in self._graph.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs."""
        return [tensor._keras_history.operation.name for tensor in self._graph.outputs]  # type: ignore[union-attr]

    # -- calling -------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        given = self._arrange(inputs)
        if mask is not None:
            for tensor, part in zip(given, tree.flatten(mask), strict=True):
                tensor._keras_mask = part
        results = self._graph.run(given, _perform(training))
        outputs = tree.pack(self._outputs_struct, results)
        return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs

    def _arrange(self, inputs: Any) -> list[Any]:
        """The inputs in the graph's order, with the rank and dtype that it expects."""
        expected = self._graph.inputs
        if isinstance(inputs, dict):
            names = list(self._inputs_struct) if isinstance(self._inputs_struct, dict) else self.input_names
            names = sorted(names) if isinstance(self._inputs_struct, dict) else names
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(f"Model {self.name} misses the inputs {missing}; it was given {sorted(inputs)}.")
            leaves = [inputs[name] for name in names]
        else:
            leaves = tree.flatten(inputs)
        if len(leaves) != len(expected):
            raise ValueError(
                f"Model {self.name} expects {len(expected)} input(s) {self.input_names}, got {len(leaves)}."
            )
        return [self._fit(value, tensor) for value, tensor in zip(leaves, expected, strict=True)]

    def _fit(self, value: Any, expected: KerasTensor) -> Any:
        value = value if isinstance(value, (Tensor, KerasTensor)) else ops.convert_to_tensor(value)
        rank, wanted = len(value.shape), expected.type.rank
        if rank == wanted + 1 and value.shape[-1] == 1:
            value = ops.squeeze(value, -1)
        elif rank == wanted - 1 and expected.shape[-1] == 1:
            value = ops.expand_dims(value, -1)
        mismatch = len(value.shape) != wanted or any(
            isinstance(want, int) and have is not None and want != have
            for want, have in zip(expected.type.shape, value.shape, strict=False)
        )
        if mismatch:
            raise ValueError(
                f'Input "{expected.name}" of model "{self.name}" is incompatible with it: '
                f"expected shape={expected.shape}, found shape={tuple(value.shape)}"
            )
        mask = getattr(value, "_keras_mask", None)
        value = ops.cast(value, expected.dtype) if value.dtype != expected.dtype else value
        value._keras_mask = mask
        return value

    def _convert_input(self, leaf: Any) -> Any:
        return leaf

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for shapes of the inputs."""
        return super().compute_output_shape(input_shape)

    def input_types(self) -> list[TensorType]:
        """The exact types of the inputs, free sizes as symbols."""
        return [tensor.type for tensor in self._graph.inputs]

    # -- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        constructor = inspect.signature(type(self).__init__).parameters
        if type(self) is not Functional and not {"inputs", "outputs"} <= set(constructor):
            return Model.get_config(self)
        from cornu.models.functional_config import functional_config

        return functional_config(self)


def functional_from_config(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """Makes a functional model of its config."""
    from cornu.models.functional_config import rebuild

    return rebuild(cls, config, custom_objects)


def _as_entrance(tensor: KerasTensor) -> KerasTensor:
    """A tensor that nothing made gets an input layer of its own."""
    if tensor._keras_history is None:
        InputLayer(input_tensor=tensor, name=tensor.name)
    return tensor


def _perform(training: bool | None) -> Any:
    def call(node: Node, args: Any, kwargs: Any) -> Any:
        operation = node.operation
        if isinstance(operation, Layer) and training is not None and operation._accepts("training"):
            kwargs.setdefault("training", training)
        return operation(*args, **kwargs)

    return call
