"""The graph of operations between symbolic inputs and outputs, in Keras's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import tree
from cornu.ops.keras_tensor import KerasTensor
from cornu.ops.operation import Node, Operation


class Graph:
    """Operations and their calls between inputs and outputs.

    Operations are ordered by their distance from the outputs, farthest first, and among equals by the order in which
    a depth-first walk from the outputs meets them: the order that Keras's files and weight lists have.

    Args:
        inputs: KerasTensors.
        outputs: KerasTensors that depend on them.
        name: The model's name, for errors.

    Raises:
        ValueError: If an output does not depend on the given inputs only.
    """

    def __init__(self, inputs: list[KerasTensor], outputs: list[KerasTensor], name: str) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self._name = name
        finished, indices = self._walk()
        depths, operation_depths = _depths(finished)
        for tensor in inputs:
            operation = _history(tensor).operation
            if operation not in operation_depths:
                operation_depths[operation] = 0
                indices[operation] = -1
                node = operation._inbound_nodes[_history(tensor).node_index]
                depths[node] = 0
        self.operations: list[Operation] = sorted(operation_depths, key=lambda o: (-operation_depths[o], indices[o]))
        self.nodes: list[Node] = sorted(finished, key=lambda node: -depths[node])
        self._known = set(depths)

    def contains(self, node: Node) -> bool:
        """Whether a call belongs to the graph."""
        return node in self._known

    def _walk(self) -> tuple[list[Node], dict[Operation, int]]:
        """Nodes with parents first, and the order in which operations were met."""
        entrances = {id(tensor) for tensor in self.inputs}
        finished: dict[Node, None] = {}
        indices: dict[Operation, int] = {}
        for output in self.outputs:
            pending: list[tuple[KerasTensor, bool]] = [(output, False)]
            while pending:
                tensor, children_done = pending.pop()
                if tensor._keras_history is None:
                    raise ValueError(f"{self._name}: {tensor!r} was not made by layers or operations on inputs.")
                operation = tensor._keras_history.operation
                node = operation._inbound_nodes[tensor._keras_history.node_index]
                if node in finished:
                    continue
                if children_done or id(tensor) in entrances:
                    indices.setdefault(operation, len(indices))
                    finished[node] = None
                    continue
                if node.is_input:
                    raise ValueError(
                        f"{self._name}: the outputs depend on {tensor!r} (layer {operation.name}), "
                        "which is not among the model's inputs."
                    )
                indices.setdefault(operation, len(indices))
                pending.append((tensor, True))
                pending.extend((parent, False) for parent in reversed(node.input_tensors))
        return list(finished), indices

    def run(self, inputs: list[Any], call: Callable[[Node, Any, Any], Any]) -> list[Any]:
        """Computes the outputs for actual inputs.

        Args:
            inputs: One per input.
            call: `(node, args, kwargs) -> outputs` performs one operation.
        """
        values: dict[int, Any] = {id(k): v for k, v in zip(self.inputs, inputs, strict=True)}
        for node in self.nodes:
            if all(id(tensor) in values for tensor in node.output_tensors):
                continue
            args, kwargs = tree.map_structure(
                lambda leaf: values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf, (node.args, node.kwargs)
            )
            results = tree.flatten(call(node, args, kwargs))
            values.update(zip(map(id, node.output_tensors), results, strict=True))
        return [values[id(tensor)] for tensor in self.outputs]


def _history(tensor: KerasTensor) -> Any:
    return tensor._keras_history


def _depths(finished: list[Node]) -> tuple[dict[Node, int], dict[Operation, int]]:
    depths: dict[Node, int] = {}
    operations: dict[Operation, int] = {}
    for node in reversed(finished):
        depth = max(depths.get(node, 0), operations.get(node.operation, 0))
        depths[node] = operations[node.operation] = depth
        for parent in node.parent_nodes:
            depths[parent] = max(depth + 1, depths.get(parent, 0))
    return {node: depths[node] for node in finished}, operations
