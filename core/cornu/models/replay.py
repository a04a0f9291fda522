"""Computing symbolic tensors again: from other inputs, and with other layers in the place of some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import tree
from cornu.layers.core.input_layer import InputLayer
from cornu.ops.keras_tensor import KerasTensor
from cornu.ops.operation import Node

Call = Callable[..., Any]


def is_entrance(tensor: KerasTensor) -> bool:
    """Whether a symbolic tensor is an input layer's, or made by nothing."""
    history = tensor._keras_history
    return history is None or isinstance(history.operation, InputLayer)


def from_hidden(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Inputs and outputs of a model that starts at hidden tensors of another one: each becomes an input of its own.

    The operations are shared with the other model; what lies before the inputs is left behind.
    """
    if all(is_entrance(tensor) for tensor in tree.flatten(inputs)):
        return inputs, outputs
    made: dict[int, KerasTensor] = {}
    for tensor in tree.flatten(inputs):
        made[id(tensor)] = tensor if is_entrance(tensor) else _entrance_like(tensor)
    replayed = replay(outputs, made, lambda operation, *args, **kwargs: operation(*args, **kwargs))
    return tree.map_structure(lambda tensor: made[id(tensor)], inputs), replayed


def _entrance_like(tensor: KerasTensor) -> KerasTensor:
    layer = InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}_input")
    entrance: KerasTensor = layer.output
    return entrance


def replay(outputs: Any, made: dict[int, KerasTensor], call: Call) -> Any:
    """Performs the operations that lead to some outputs again, each call once.

    Args:
        outputs: KerasTensors, in any structure.
        made: From the `id` of a tensor to what stands for it; what is computed is added.
        call: `(operation, *args, **kwargs) -> outputs` performs one.

    Returns:
        The new outputs, in their structure.

    Raises:
        ValueError: If an output depends on an input that nothing stands for.
    """
    for output in tree.flatten(outputs):
        pending = [output]
        while pending:
            tensor = pending[-1]
            if id(tensor) in made:
                pending.pop()
                continue
            node = _maker(tensor)
            arguments = _arguments(node)
            missing = [
                leaf for leaf in tree.flatten(arguments) if isinstance(leaf, KerasTensor) and id(leaf) not in made
            ]
            if missing:
                pending += reversed(missing)
                continue
            args, kwargs = tree.map_structure(
                lambda leaf: made[id(leaf)] if isinstance(leaf, KerasTensor) else leaf, arguments
            )
            results = call(node.operation, *args, **kwargs)
            made.update(zip(map(id, node.output_tensors), tree.flatten(results), strict=True))
    return tree.map_structure(lambda tensor: made[id(tensor)], outputs)


def _maker(tensor: KerasTensor) -> Node:
    history = tensor._keras_history
    if history is None or history.operation._inbound_nodes[history.node_index].is_input:
        raise ValueError(f"The outputs depend on {tensor!r}, which is not among the given inputs.")
    node: Node = history.operation._inbound_nodes[history.node_index]
    return node


def _arguments(node: Node) -> tuple[Any, dict[str, Any]]:
    """A call's arguments without the masks that layers hand on by themselves, as they will do again."""
    kept = {name: value for name, value in node.kwargs.items() if not _is_handed_on(name, value)}
    return list(node.args), kept


def _is_handed_on(name: str, value: Any) -> bool:
    leaves = [leaf for leaf in tree.flatten(value) if leaf is not None]
    return name.endswith("mask") and bool(leaves) and all(getattr(leaf, "handed_on", False) for leaf in leaves)
