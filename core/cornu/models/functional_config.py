"""Functional models as JSON and back, in Keras's format."""

from __future__ import annotations

from typing import Any

from cornu import tree
from cornu.models.graph import Graph
from cornu.ops.keras_tensor import KerasTensor
from cornu.ops.operation import Node, Operation


def functional_config(model: Any) -> dict[str, Any]:
    """The config of a functional model: its operations, how they are called, its inputs and outputs."""
    from cornu.saving import serialize_keras_object

    graph: Graph = model._graph
    places = {
        (id(operation), index): kept
        for operation in graph.operations
        for kept, index in enumerate(i for i, node in enumerate(operation._inbound_nodes) if graph.contains(node))
    }

    def reference(tensor: KerasTensor) -> list[Any]:
        history = tensor._keras_history
        assert history is not None
        return [history.operation.name, places[id(history.operation), history.node_index], history.tensor_index]

    def end(tensor: KerasTensor) -> list[Any]:
        assert tensor._keras_history is not None
        name, place, index = reference(tensor)
        return [name, place + _first_call(tensor._keras_history.operation), index]

    layers = []
    for operation in graph.operations:
        calls = [_call_config(node, reference) for node in operation._inbound_nodes if graph.contains(node)]
        config = serialize_keras_object(operation)
        layers.append({**config, "name": operation.name, "inbound_nodes": [call for call in calls if call is not None]})
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": tree.map_structure(end, model._inputs_struct),
        "output_layers": tree.map_structure(end, model._outputs_struct),
    }


def _first_call(operation: Any) -> int:
    """The number of an operation's first call among a model's inputs and outputs.

    In Keras's files it is 1 for functional models, as if they had been called once before; in calls it is 0 throughout.
    """
    from cornu.models.functional import Functional

    return 1 if isinstance(operation, Functional) else 0


def _call_config(node: Node, reference: Any) -> dict[str, Any] | None:
    if node.is_input:
        return None
    from cornu.saving import serialize_keras_object

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, KerasTensor):
            return {
                "class_name": "__keras_tensor__",
                "config": {"shape": list(leaf.shape), "dtype": leaf.dtype, "keras_history": reference(leaf)},
            }
        return leaf

    args, kwargs = tree.map_structure(convert, (list(node.args), node.kwargs))
    return {
        "args": [_serialized(arg, serialize_keras_object) for arg in args],
        "kwargs": {name: _serialized(value, serialize_keras_object) for name, value in kwargs.items()},
    }


def _serialized(value: Any, serialize: Any) -> Any:
    """Serializes everything but the references to tensors, which are JSON already."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return value
    if isinstance(value, dict):
        return {key: _serialized(item, serialize) for key, item in value.items()}
    if isinstance(value, list):
        return [_serialized(item, serialize) for item in value]
    if isinstance(value, tuple):
        return serialize(value) if not _holds_reference(value) else [_serialized(item, serialize) for item in value]
    return serialize(value)


def _holds_reference(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(_holds_reference(v) for v in value.values())
    return isinstance(value, (list, tuple)) and any(_holds_reference(item) for item in value)


def rebuild(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """Makes a functional model: operations first, then their calls as soon as their inputs exist.

    Raises:
        ValueError: If a call refers to something that never comes to exist.
    """
    from cornu.saving import deserialize_keras_object

    operations: dict[str, Operation] = {}
    waiting: list[tuple[Operation, int, dict[str, Any]]] = []
    made: dict[tuple[str, int], Node] = {}
    for entry in config["layers"]:
        described = {key: value for key, value in entry.items() if key not in ("name", "inbound_nodes")}
        operation = deserialize_keras_object(described, custom_objects=custom_objects)
        operations[entry["name"]] = operation
        if not entry["inbound_nodes"]:
            made[entry["name"], 0] = operation._inbound_nodes[0]
        waiting += [(operation, i, call) for i, call in enumerate(_calls(entry["inbound_nodes"]))]
        for i, _ in enumerate(entry["inbound_nodes"]):
            made.pop((entry["name"], i), None)
    names = {id(operation): name for name, operation in operations.items()}
    while waiting:
        postponed = []
        for operation, index, call in waiting:
            name = names[id(operation)]
            ready = index == 0 or (name, index - 1) in made
            arguments = _arguments(call, made) if ready else None
            if arguments is None:
                postponed.append((operation, index, call))
                continue
            before = len(operation._inbound_nodes)
            operation(*arguments[0], **arguments[1])
            made[name, index] = operation._inbound_nodes[before]
        if len(postponed) == len(waiting):
            stuck = [operation.name for operation, _, _ in postponed]
            raise ValueError(f"Cannot rebuild model {config.get('name')}: the inputs of {stuck} never come to exist.")
        waiting = postponed
    ends = {(name, index + _first_call(operations[name])): node for (name, index), node in made.items()}
    inputs, outputs = (_resolve(config[key], ends) for key in ("input_layers", "output_layers"))
    kept = {key: value for key, value in config.items() if key not in ("layers", "input_layers", "output_layers")}
    return cls(inputs=inputs, outputs=outputs, **kept)


def _calls(entries: list[Any]) -> list[dict[str, Any]]:
    """Calls in today's form; the older one is a list of `[layer, node, tensor, kwargs]` per call."""
    calls = []
    for entry in entries:
        if isinstance(entry, dict):
            calls.append(entry)
            continue
        references = [entry] if entry and isinstance(entry[0], str) else entry
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": reference[:3]}} for reference in references
        ]
        kwargs = references[0][3] if len(references[0]) > 3 else {}
        calls.append({"args": tensors if len(tensors) == 1 else [tensors], "kwargs": kwargs})
    return calls


class _MissingError(Exception):
    """A tensor that a call needs does not exist yet."""


def _arguments(call: dict[str, Any], made: dict[tuple[str, int], Node]) -> tuple[list[Any], dict[str, Any]] | None:
    try:
        return [_restore(item, made) for item in call["args"]], {
            key: _restore(value, made) for key, value in call["kwargs"].items()
        }
    except _MissingError:
        return None


def _restore(value: Any, made: dict[tuple[str, int], Node]) -> Any:
    from cornu.saving import deserialize_keras_object

    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return _tensor(value["config"]["keras_history"], made)
    if isinstance(value, dict) and "class_name" in value:
        return deserialize_keras_object(value)
    if isinstance(value, dict):
        return {key: _restore(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore(item, made) for item in value]
    return value


def _tensor(reference: list[Any], made: dict[tuple[str, int], Node]) -> KerasTensor:
    name, node, index = reference[:3]
    if (name, node) not in made:
        raise _MissingError
    tensor: KerasTensor = made[name, node].output_tensors[index]
    return tensor


def _resolve(structure: Any, made: dict[tuple[str, int], Node]) -> Any:
    """Inputs or outputs: a reference `[name, node, tensor]`, or a list or dict of them."""
    if isinstance(structure, dict):
        return {key: _resolve(item, made) for key, item in structure.items()}
    if len(structure) == 3 and isinstance(structure[0], str) and isinstance(structure[1], int):
        return _tensor(structure, made)
    return [_resolve(item, made) for item in structure]
