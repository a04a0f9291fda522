"""A table of a model's layers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from cornu.ir.types import numpy_dtype
from cornu.layers.layer import Layer


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Any = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Prints the layers with output shapes, numbers of parameters and, in a graph, what each is connected to."""
    connected = _has_branches(model)
    columns = ["Layer (type)", "Output Shape", "Param #"]
    columns += ["Connected to"] if connected else []
    columns += ["Trainable"] if show_trainable else []
    ratios = _ratios(positions, len(columns), connected)
    table = Table(title=None, show_lines=connected)
    for title, ratio in zip(columns, ratios, strict=True):
        table.add_column(title, ratio=ratio, justify="right" if title == "Param #" else "left", overflow="fold")
    for layer, depth in _rows(model, expand_nested, layer_range):
        cells = [
            f"{'   ' * depth}{'└ ' * bool(depth)}{layer.name} ({type(layer).__name__})",
            _output_shape(layer),
            _parameters(layer),
        ]
        cells += [_connections(model, layer)] if connected else []
        cells += [_trainable(layer)] if show_trainable else []
        table.add_row(*cells)
    text = io.StringIO()
    console = Console(file=text, width=line_length or _width(connected), highlight=False, color_system=None)
    console.print(f'Model: "{model.name}"', markup=False)
    table.expand = True
    console.print(table)
    for line in _totals(model):
        console.print(line, markup=False)
    (print_fn or print)(text.getvalue())


def _width(connected: bool) -> int:
    return 98 if connected else 80


def _ratios(positions: Any, count: int, connected: bool) -> list[int]:
    if positions is not None:
        ends = [round(100 * position) for position in positions][:count]
        ratios = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        return ratios + [10] * (count - len(ratios))
    return ([33, 25, 17, 25, 20] if connected else [45, 35, 20, 22])[:count]


def _rows(model: Any, expand: bool, layer_range: Any, depth: int = 0) -> Iterator[tuple[Any, int]]:
    layers = list(model.operations) if _is_plain_graph(model) else model.layers
    if layer_range is not None:
        first, last = (re.compile(pattern) for pattern in layer_range)
        matches = [i for i, layer in enumerate(layers) if first.match(layer.name)]
        ends = [i for i, layer in enumerate(layers) if last.match(layer.name)]
        if not matches or not ends:
            raise ValueError(f"Passed layer_range {layer_range} does not match any layer of {model.name}.")
        layers = layers[min(matches) : max(ends) + 1]
    for layer in layers:
        yield layer, depth
        if expand and hasattr(layer, "layers"):
            yield from _rows(layer, expand, None, depth + 1)


def _output_shape(layer: Any) -> str:
    nodes = layer._inbound_nodes
    if not nodes:
        return "-" if getattr(layer, "built", True) else "?"
    shapes = [str(tensor.shape) for tensor in nodes[0].output_tensors]
    return ", ".join(shapes)


def _parameters(layer: Any) -> str:
    if not isinstance(layer, Layer):
        return "0"
    if not layer.built:
        return "0 (unbuilt)"
    return f"{layer.count_params():,}"


def _trainable(layer: Any) -> str:
    return ("Y" if layer.trainable else "N") if isinstance(layer, Layer) and layer.weights else "-"


def _has_branches(model: Any) -> bool:
    """Whether the model is more than a chain of layers."""
    graph = getattr(model, "_graph", None) if _is_plain_graph(model) else None
    return graph is not None and any(len(node.input_tensors) > 1 or len(graph.inputs) > 1 for node in graph.nodes)


def _is_plain_graph(model: Any) -> bool:
    return hasattr(type(model), "operations")


def _connections(model: Any, layer: Any) -> str:
    if not _is_plain_graph(model):
        return ""
    names = []
    for node in layer._inbound_nodes:
        if model._graph.contains(node):
            for tensor in node.input_tensors:
                history = tensor._keras_history
                names.append(f"{history.operation.name}[{history.node_index}][{history.tensor_index}]")
    return ", ".join(names) or "-"


def _totals(model: Any) -> Iterator[str]:
    optimizer = getattr(model, "optimizer", None)
    held = list(optimizer.variables) if optimizer is not None and optimizer.built else []
    trainable, fixed = model.trainable_weights, model.non_trainable_weights
    yield f" Total params: {_size([*trainable, *fixed, *held])}"
    yield f" Trainable params: {_size(trainable)}"
    yield f" Non-trainable params: {_size(fixed)}"
    if held:
        yield f" Optimizer params: {_size(held)}"


def _size(variables: list[Any]) -> str:
    count = sum(int(np.prod(variable.shape)) for variable in variables)
    size = float(sum(int(np.prod(v.shape)) * numpy_dtype(v.dtype).itemsize for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{count:,} ({size:.2f} {unit})"
        size /= 1024
    return str(count)
