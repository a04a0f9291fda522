"""What must be so in any ONNX model before its operators are looked at: versions, names, order, arity, attributes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto

from cornu.ir.onnx.reading.functions import Key, check_functions, key_of
from cornu.ir.onnx.reading.limits import MAX_DEPTH, MAX_NODES
from cornu.ir.onnx.reading.nodes import OnnxImportError, node_name
from cornu.ir.onnx.registry import FOLD, READ

DOMAINS = ("", "ai.onnx")
_FIRST_IR_WITH_OPSETS = 3

Scopes = tuple[set[str], ...]
"""The names that the graphs around one know."""

_FIELD = {
    AttributeProto.FLOAT: "f",
    AttributeProto.INT: "i",
    AttributeProto.STRING: "s",
    AttributeProto.TENSOR: "t",
    AttributeProto.GRAPH: "g",
}


def opset_of(model: ModelProto) -> int:
    """The version of the standard operators.

    Raises:
        OnnxImportError: If it is missing or unknown.
    """
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    newest = int(onnx.defs.onnx_opset_version())
    if not versions and model.ir_version < _FIRST_IR_WITH_OPSETS:
        return 1
    if not versions and all(node.domain not in DOMAINS for node in nodes_of(model.graph)):
        return newest
    if len(versions) != 1:
        raise OnnxImportError(f"It must say one version of the standard operators (opset_import), it says {versions}.")
    if not 1 <= versions[0] <= newest:
        raise OnnxImportError(f"Its standard operators are of version {versions[0]}; 1 to {newest} are known.")
    return int(versions[0])


def check_structure(model: ModelProto) -> None:
    """Checks a model.

    Raises:
        OnnxImportError: Saying what is wrong where.
    """
    newest = int(onnx.IR_VERSION)
    if not 1 <= model.ir_version <= newest:
        raise OnnxImportError(f"Its format (ir_version) is {model.ir_version}; 1 to {newest} are known.")
    opset = opset_of(model)
    local = check_functions(model)
    for function in model.functions:
        _GraphCheck(_opset_in(function, opset), local, in_function=True).nodes(
            function.node, set(function.input), f"function {function.name!r}", 0
        )
    check = _GraphCheck(opset, local)
    check.graph(model.graph, (), 0)
    if not model.graph.output:
        raise OnnxImportError("Its graph has no outputs.")


def _opset_in(function: Any, opset: int) -> int:
    return next((entry.version for entry in function.opset_import if entry.domain in DOMAINS), opset)


class _GraphCheck:
    """Checks one graph and those inside it.

    Args:
        opset: The version of the standard operators.
        local: The functions of the model.
        in_function: Whether attributes may be those of a function.
    """

    def __init__(self, opset: int, local: Iterable[Key], in_function: bool = False) -> None:
        self._opset = opset
        self._local = frozenset(local)
        self._in_function = in_function
        self._count = 0

    def graph(self, graph: GraphProto, outer: Scopes, depth: int) -> None:
        """Checks a graph in which the names `outer` are known."""
        what = f"graph {graph.name!r}"
        if depth > MAX_DEPTH:
            raise OnnxImportError(f"Its graphs are nested more than {MAX_DEPTH} deep.")
        if graph.sparse_initializer:
            raise OnnxImportError(f"The {what} has sparse constants, which programs do not have.")
        inputs, constants = [i.name for i in graph.input], [t.name for t in graph.initializer]
        for names, kind in ((inputs, "inputs"), (constants, "constants"), ([o.name for o in graph.output], "outputs")):
            _check_different(names, f"The {kind} of {what}", allow_repeated=kind == "outputs" and depth > 0)
        own = self.nodes(graph.node, {*inputs, *constants}, what, depth, outer)
        for info in graph.output:
            if not _known(info.name, own, *outer):
                raise OnnxImportError(f"Nothing defines {info.name!r}, an output of {what}.")

    def nodes(self, nodes: Sequence[NodeProto], own: set[str], what: str, depth: int, outer: Scopes = ()) -> set[str]:
        """Checks nodes that know `own` and `outer` names; returns their own names with those that they define."""
        self._count += len(nodes)
        if self._count > MAX_NODES:
            raise OnnxImportError(f"It has more than {MAX_NODES} nodes.")
        own = set(own)
        later: set[str] | None = None
        for node in nodes:
            for name in node.input:
                if name and not _known(name, own, *outer):
                    later = later if later is not None else {output for other in nodes for output in other.output}
                    why = (
                        "only defined after it: the graph has a cycle, or its nodes are not in order"
                        if name in later
                        else "not defined anywhere"
                    )
                    raise _error(node, f"its input {name!r} is {why}.")
            if key_of(node) not in self._local:
                check_node(node, self._opset)
            self._attributes(node, own, outer, depth)
            if not any(node.output):
                raise _error(node, "it has no outputs.")
            for name in node.output:
                if name and name in own:
                    raise _error(node, f"its output {name!r} is defined already in {what}.")
                own.add(name)
        own.discard("")
        return own

    def _attributes(self, node: NodeProto, own: set[str], outer: Scopes, depth: int) -> None:
        _check_different([a.name for a in node.attribute], f"The attributes of {node.op_type} {node_name(node)!r}")
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                if not self._in_function:
                    raise _error(node, f"its attribute {attribute.name} refers to one of a function, and is in none.")
                continue
            _check_content(node, attribute)
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                self.graph(body, (*outer, own), depth + 1)


def _known(name: str, *scopes: set[str]) -> bool:
    return any(name in scope for scope in scopes)


def _check_different(names: Sequence[str], what: str, allow_repeated: bool = False) -> None:
    if not all(names):
        raise OnnxImportError(f"{what} must have names; one has none.")
    if len(set(names)) != len(names) and not allow_repeated:
        twice = Counter(names).most_common(1)[0][0]
        raise OnnxImportError(f"{what} must have different names; {twice!r} occurs more than once.")


def _check_content(node: NodeProto, attribute: AttributeProto) -> None:
    field = _FIELD.get(attribute.type)
    if attribute.type == AttributeProto.UNDEFINED or (field in ("t", "g") and not attribute.HasField(field)):
        raise _error(node, f"its attribute {attribute.name} has no value.")
    if any(map(math.isnan, (attribute.f, *attribute.floats))):
        raise _error(node, f"its attribute {attribute.name} is not a number (NaN).")


@cache
def _schema(op: str, opset: int) -> Any:
    try:
        return onnx.defs.get_schema(op, opset, "")
    except onnx.defs.SchemaError:
        return None


def check_node(node: NodeProto, opset: int) -> None:
    """Checks number of inputs and outputs and the types of attributes against the standard.

    Raises:
        OnnxImportError: If one is wrong.
    """
    schema = _schema(node.op_type, opset) if node.domain in DOMAINS else None
    if schema is None:
        return
    for count, least, most, kind in (
        (len(node.input), schema.min_input, schema.max_input, "inputs"),
        (len(node.output), schema.min_output, schema.max_output, "outputs"),
    ):
        if not least <= count <= most:
            allowed = str(least) if least == most else f"{least} or more" if most > 1000 else f"{least} to {most}"
            raise _error(node, f"it must have {allowed} {kind}, it has {count}.")
    for name, parameter in zip(node.input, schema.inputs, strict=False):
        if not name and parameter.option == onnx.defs.OpSchema.FormalParameterOption.Single:
            raise _error(node, f"its input {parameter.name!r} must be given.")
    for attribute in node.attribute:
        declared = schema.attributes.get(attribute.name)
        if declared is None:
            raise _error(node, f"the operator has no attribute {attribute.name!r}.")
        wanted = int(declared.type.value)
        if attribute.type != wanted and not attribute.ref_attr_name:
            kinds = [AttributeProto.AttributeType.Name(kind) for kind in (wanted, attribute.type)]
            raise _error(node, f"its attribute {attribute.name} must be of type {kinds[0]}, got {kinds[1]}.")
    given = {attribute.name for attribute in node.attribute}
    missing = [name for name, declared in schema.attributes.items() if declared.required and name not in given]
    if missing:
        raise _error(node, f"it lacks the attribute(s) {', '.join(missing)}.")


def _error(node: NodeProto, message: str) -> OnnxImportError:
    return OnnxImportError(f"{node.op_type or '?'} node {node_name(node)!r}: {message}")


def check_readable(graph: GraphProto) -> None:
    """Checks that every operator has a rule.

    Raises:
        OnnxImportError: Listing every node whose operator has none.
    """
    missing = without_rule(graph)
    if missing:
        listed = "; ".join(f"{op} ({', '.join(nodes)})" for op, nodes in sorted(missing.items()))
        raise OnnxImportError(f"These operators of {graph.name} are not supported: {listed}.")


def without_rule(graph: GraphProto) -> dict[str, list[str]]:
    """The operators that no rule reads, each with its nodes; those of other domains with their domain."""
    missing: dict[str, list[str]] = {}
    for node in nodes_of(graph):
        standard = node.domain in DOMAINS
        if not standard or (node.op_type not in READ and node.op_type not in FOLD):
            op = node.op_type if standard else f"{node.domain}.{node.op_type}"
            missing.setdefault(op, []).append(node_name(node))
    return missing


def is_function(op: str, opset: int) -> bool:
    """Whether the standard defines an operator by others."""
    schema = _schema(op, opset)
    return schema is not None and bool(schema.has_function or schema.has_context_dependent_function)


def defaults(node: NodeProto, opset: int) -> list[AttributeProto]:
    """The attributes of a standard operator that are not written and have a value then."""
    schema = _schema(node.op_type, opset)
    given = {attribute.name for attribute in node.attribute}
    declared = {} if schema is None else schema.attributes
    unwritten = [a.default_value for name, a in declared.items() if name not in given]
    return [value for value in unwritten if value.type != AttributeProto.UNDEFINED]


def nodes_of(graph: GraphProto) -> Iterator[NodeProto]:
    """The nodes of a graph, those of sub-graphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from nodes_of(body)


def names_read(graph: GraphProto) -> Iterator[str]:
    """The names that nodes read, those of sub-graphs included, and those of outputs."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from names_read(body)
    yield from (info.name for info in graph.output)
