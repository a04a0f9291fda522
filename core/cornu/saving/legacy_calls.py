"""How the layers of a Keras 2 functional model call each other, translated to today's form.

There a call is a list of `[layer, call number, output number, keyword arguments]`, one per input tensor, and calls of
inner models of either kind are numbered from 1, as if building the model had been the first.
"""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]


def upgrade_calls(graph: Config) -> Config:
    """A graph's config with calls as `{"args", "kwargs"}`; one that has them already is returned as it is.

    Example:
        >>> entries = [{"class_name": "Dense", "name": "d", "config": {}, "inbound_nodes": [[["x", 0, 0, {}]]]}]
        >>> upgrade_calls({"layers": entries})["layers"][0]["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
        ['x', 0, 0]
    """
    layers = graph["layers"]
    if not any(isinstance(call, list) for layer in layers for call in layer.get("inbound_nodes", ())):
        return graph
    inner = {layer["name"]: layer["class_name"] for layer in layers if "layers" in layer["config"]}
    changed = {**graph, "layers": [_layer(layer, inner) for layer in layers]}
    for key in ("input_layers", "output_layers"):
        if key in graph:
            changed[key] = _ends(graph[key], inner)
    return changed


def _layer(layer: Config, inner: dict[str, str]) -> Config:
    calls = [_call(call, inner) if isinstance(call, list) else call for call in layer.get("inbound_nodes", ())]
    return {**layer, "inbound_nodes": calls}


def _call(call: list[Any], inner: dict[str, str]) -> Config:
    references = [call] if call and isinstance(call[0], str) else call
    tensors = [_tensor(reference, inner) for reference in references]
    kwargs = dict(references[0][3]) if references and len(references[0]) > 3 else {}
    kwargs = {key: _tensor(value, inner) if _is_reference(value) else value for key, value in kwargs.items()}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": kwargs}


def _is_reference(value: Any) -> bool:
    return isinstance(value, list) and [type(item) for item in value[:3]] == [str, int, int] and len(value) in (3, 4)


def _tensor(reference: list[Any], inner: dict[str, str]) -> Config:
    name, call, output = reference[:3]
    history = [name, call - 1 if name in inner else call, output]
    # The shape is known to the layer that made the tensor; the reference alone counts.
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": history}}


def _ends(structure: Any, inner: dict[str, str]) -> Any:
    """Inputs and outputs, where today only functional inner models are numbered from 1."""
    if isinstance(structure, dict):
        return {key: _ends(item, inner) for key, item in structure.items()}
    if _is_reference(structure):
        name, call, output = structure[:3]
        return [name, call - 1 if inner.get(name) == "Sequential" else call, output]
    return [_ends(item, inner) for item in structure]
