"""A graph of operations as one operation."""

from __future__ import annotations

from typing import Any

from cornu import ops, tree
from cornu.models.graph import Graph
from cornu.models.replay import from_hidden
from cornu.ops.keras_tensor import KerasTensor, infer_outputs
from cornu.ops.operation import Node, Operation
from cornu.tracing.tensor import Tensor


class Function(Operation):
    """What lies between symbolic inputs and outputs, as a callable without weights of its own.

    Args:
        inputs: KerasTensors: one, or a list, tuple or dict of them.
        outputs: KerasTensors that depend on them.
        name: A name.

    Raises:
        ValueError: If something is not symbolic, or an output depends on something else.

    Example:
        >>> import cornu
        >>> x = cornu.KerasTensor((None, 2))
        >>> double = Function(x, x * 2.0)
        >>> double(cornu.ops.ones((1, 2))).numpy()
        array([[2., 2.]], dtype=float32)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        for label, structure in (("inputs", inputs), ("outputs", outputs)):
            for leaf in tree.flatten(structure):
                if not isinstance(leaf, KerasTensor):
                    raise ValueError(f"Function {self.name}: `{label}` must be KerasTensors, got {leaf!r}.")
        self._inputs_struct = tree.map_structure(_entered, inputs)
        self._inputs_struct, self._outputs_struct = from_hidden(self._inputs_struct, outputs)
        self._graph = Graph(tree.flatten(self._inputs_struct), tree.flatten(self._outputs_struct), self.name)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs."""
        return self._graph.inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs."""
        return self._graph.outputs

    @property
    def operations(self) -> list[Operation]:
        """The operations, in order."""
        return list(self._graph.operations)

    def call(self, inputs: Any) -> Any:
        """The outputs for inputs structured like the symbolic ones."""
        leaves = tree.flatten(inputs)
        if len(leaves) != len(self.inputs):
            raise ValueError(f"Function {self.name} takes {len(self.inputs)} input(s), got {len(leaves)}.")
        given = [x if isinstance(x, (Tensor, KerasTensor)) else ops.convert_to_tensor(x) for x in leaves]
        return tree.pack(self._outputs_struct, self._graph.run(given, _perform))

    def compute_output_spec(self, inputs: Any) -> Any:
        """The outputs' shapes and dtypes, as KerasTensors."""
        return infer_outputs(self.call, inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The outputs' shapes for shapes of the inputs."""
        from cornu.layers.layer import tree_of_shapes

        given = tree_of_shapes(input_shape, self.inputs[0].dtype)
        return tree.map_structure(lambda tensor: tensor.shape, self.compute_output_spec(given))


def _entered(tensor: KerasTensor) -> KerasTensor:
    """A tensor that nothing made gets an input layer of its own."""
    if tensor._keras_history is None:
        from cornu.layers.core.input_layer import InputLayer

        InputLayer(input_tensor=tensor, name=tensor.name)
    return tensor


def _perform(node: Node, args: Any, kwargs: Any) -> Any:
    return node.operation(*args, **kwargs)
