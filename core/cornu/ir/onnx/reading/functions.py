"""Functions that a model brings along, before they are put where they are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from onnx import ModelProto, NodeProto

from cornu.ir.onnx.reading.limits import MAX_DEPTH, MAX_NODES
from cornu.ir.onnx.reading.nodes import OnnxImportError, node_name

Key = tuple[str, str, str]


def key_of(node: NodeProto) -> Key:
    """How a node names the function that it may call."""
    return (node.domain, node.op_type, node.overload)


def check_functions(model: ModelProto) -> dict[Key, Any]:
    """The functions of a model by domain, name and overload.

    Raises:
        OnnxImportError: If two are the same, one calls itself, or their bodies would be too many nodes in place.
    """
    functions: dict[Key, Any] = {}
    for function in model.functions:
        key = (function.domain, function.name, function.overload)
        if key in functions:
            raise OnnxImportError(f"It has two functions {function.domain}.{function.name}.")
        functions[key] = function
    if functions:
        sizes: dict[Key, int] = {}
        total = sum(_size(node, functions, sizes, ()) for node in _all(model.graph.node))
        if total > MAX_NODES:
            raise OnnxImportError(f"With functions in place it has more than {MAX_NODES} nodes.")
    return functions


def _size(node: NodeProto, functions: dict[Key, Any], sizes: dict[Key, int], callers: tuple[Key, ...]) -> int:
    """How many nodes a call becomes."""
    key = key_of(node)
    if key not in functions:
        return 1
    if key in callers:
        raise OnnxImportError(f"{node.op_type} node {node_name(node)!r}: the function {key[1]!r} calls itself.")
    if len(callers) >= MAX_DEPTH * 4:
        raise OnnxImportError(f"Its functions call each other more than {MAX_DEPTH * 4} deep.")
    if key not in sizes:
        body = _all(functions[key].node)
        sizes[key] = 1 + sum(_size(inner, functions, sizes, (*callers, key)) for inner in body)
    return sizes[key]


def _all(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes with those of their sub-graphs."""
    pending = [iter(nodes)]
    while pending:
        node = next(pending[-1], None)
        if node is None:
            pending.pop()
            continue
        yield node
        for attribute in node.attribute:
            bodies = (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs)
            pending.extend(iter(body.node) for body in bodies)
