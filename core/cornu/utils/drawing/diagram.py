"""What a drawing of a model shows: boxes, arrows between them, and frames around inner models."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from cornu import tree
from cornu.layers.layer import Layer
from cornu.models import Functional, Sequential


@dataclass(frozen=True)
class Options:
    """What is shown of a layer; see `plot_model`."""

    shapes: bool = False
    dtype: bool = False
    names: bool = True
    activations: bool = False
    trainable: bool = False
    expand_nested: bool = False


@dataclass(frozen=True)
class Box:
    """One layer or operation.

    Attributes:
        key: A name that no other box has.
        title: The first line.
        rows: Further lines.
        frames: The inner models that it stands in, from outside inwards.
        frozen: Whether it has weights that are not trained; None where that is not shown.
    """

    key: str
    title: str
    rows: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    frozen: bool | None = None


@dataclass
class Diagram:
    """Boxes and arrows, in the order of the model; frames by key with their titles."""

    boxes: list[Box] = field(default_factory=list)
    arrows: dict[tuple[str, str], None] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Ends:
    """The boxes that take an operation's inputs and give its outputs."""

    inputs: list[str]
    outputs: list[str]


def diagram_of(model: Any, options: Options) -> Diagram:
    """The diagram of a model: of its graph, of a stack, or one box for any other class.

    Raises:
        ValueError: If the model is not built.
    """
    if not model.built:
        raise ValueError(f"Model {model.name} cannot be drawn: it isn't built. Build it, or call it on data, first.")
    diagram = Diagram()
    if isinstance(model, (Functional, Sequential)):
        _inside(model, options, (), diagram)
    else:
        diagram.boxes.append(_box(model, options, ()))
    return diagram


def _inside(model: Any, options: Options, frames: tuple[str, ...], diagram: Diagram) -> _Ends:
    """Adds what a model holds."""
    if isinstance(model, Sequential):
        ends = [_add(layer, options, frames, diagram) for layer in model.layers]
        for before, after in pairwise(ends):
            diagram.arrows[before.outputs[0], after.inputs[0]] = None
        return _Ends(ends[0].inputs, ends[-1].outputs)
    places = {operation: _add(operation, options, frames, diagram) for operation in model.operations}
    for node in model._graph.nodes:
        target = places[node.operation]
        for i, tensor in enumerate([] if node.is_input else node.input_tensors):
            source = _source(tensor, places)
            if source is not None:
                diagram.arrows[source, target.inputs[min(i, len(target.inputs) - 1)]] = None
    inputs = [places[tensor._keras_history.operation].inputs[0] for tensor in model.inputs]
    outputs = [source for tensor in model.outputs if (source := _source(tensor, places)) is not None]
    return _Ends(inputs, outputs)


def _source(tensor: Any, places: dict[Any, _Ends]) -> str | None:
    history = tensor._keras_history
    if history.operation not in places:
        return None
    outputs: list[str] = places[history.operation].outputs
    last = len(outputs) - 1
    return outputs[min(int(history.tensor_index), last)]


def _add(operation: Any, options: Options, frames: tuple[str, ...], diagram: Diagram) -> _Ends:
    if options.expand_nested and isinstance(operation, (Functional, Sequential)) and operation.built:
        key = f"{operation.name}_{id(operation)}"
        diagram.frames[key] = operation.name
        return _inside(operation, options, (*frames, key), diagram)
    box = _box(operation, options, frames)
    diagram.boxes.append(box)
    return _Ends([box.key], [box.key])


def _box(operation: Any, options: Options, frames: tuple[str, ...]) -> Box:
    kind = type(operation).__name__
    rows = []
    activation = getattr(operation, "activation", None)
    if options.activations and activation is not None:
        rows.append(f"Activation: {getattr(activation, 'name', None) or getattr(activation, '__name__', activation)}")
    nodes = operation._inbound_nodes
    if options.shapes:
        if nodes and not nodes[0].is_input:
            rows.append(f"Input shape: {_of_all(nodes[0].input_tensors, 'shape')}")
        rows.append(f"Output shape: {_of_all(nodes[0].outputs, 'shape') if nodes else '?'}")
    if options.dtype:
        rows.append(f"Output dtype: {_of_all(nodes[0].outputs, 'dtype') if nodes else '?'}")
    frozen = None
    if options.trainable and isinstance(operation, Layer) and operation.weights:
        frozen = not operation.trainable
        rows.append("Non-trainable" if frozen else "Trainable")
    title = f"{operation.name} ({kind})" if options.names else kind
    return Box(f"{operation.name}_{id(operation)}", title, tuple(rows), frames, frozen)


def _of_all(tensors: Any, attribute: str) -> str:
    return ", ".join(str(getattr(leaf, attribute, "?")) for leaf in tree.flatten(tensors))
