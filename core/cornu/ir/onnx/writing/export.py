"""Programs as ONNX models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, helper

import cornu.ir.onnx.writing.rules  # noqa: F401  (registers the rules)
from cornu.ir.onnx.protos import mark_weights, opset_id
from cornu.ir.onnx.registry import WRITE, NodeWriter
from cornu.ir.onnx.schemas import DEFAULT_OPSET, OLDEST_OPSET, input_dtypes, newest_opset
from cornu.ir.onnx.writing.graph import GraphWriter, ModelWriter
from cornu.ir.onnx.writing.sizes import Sizes
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program
from cornu.ir.scope import layer_path


class OnnxExportError(ValueError):
    """A program has nodes that ONNX cannot express at the opset asked for; the message lists them all."""


@dataclass(frozen=True)
class WrittenModel:
    """A model with what a runtime wants to know beside it.

    Args:
        proto: The model.
        arrays: The constants that the model refers to by name instead of holding their bytes.
        origins: The operator and scope of the program's node that each ONNX node was written for, by that one's name.
        input_names: The names of the inputs in order.
        output_names: The names of the outputs in order.
        weights: Which constants are weights and have names of their own.
    """

    proto: ModelProto
    arrays: Mapping[str, np.ndarray]
    origins: Mapping[str, tuple[str, str]]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    weights: tuple[str, ...]


def to_onnx(
    program: Program,
    *,
    opset: int = DEFAULT_OPSET,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    external_threshold: int | None = None,
    external_location: str = "weights.bin",
    metadata: Mapping[str, str] | None = None,
) -> ModelProto:
    """Writes a program as an ONNX model of standard operators only.

    Every symbolic size becomes a named dimension (`dim_param`); where its value is needed it is read from the inputs'
    shapes once. The same program gives the same bytes.

    Args:
        program: The program.
        opset: The version of the standard operators, 17 or later; the lowest IR version that allows it is used.
        input_names: Names of the graph's inputs; by default those of the program's inputs.
        output_names: Names of the graph's outputs; by default those of the values, else `output`, `output_1`, ... One
            that an input has gets a number.
        external_threshold: The size in bytes from which `onnx.save` stores a constant outside the model's file.
        external_location: The file, beside the model's, that `onnx.save` stores them in.
        metadata: Additional entries of the model's metadata.

    Raises:
        OnnxExportError: If the opset cannot express some nodes; all are listed.
        ValueError: If the opset or the names do not fit.

    Example:
        >>> from cornu.ir.builder import Builder
        >>> from cornu.ir.types import TensorType
        >>> import cornu.primitives
        >>> b = Builder("double")
        >>> x = b.input(TensorType("float32", (3,)), "x")
        >>> model = to_onnx(b.finish([b.Mul(x, 2.0)]))
        >>> [node.op_type for node in model.graph.node]
        ['Mul']
    """
    written = write_model(program, opset=opset, input_names=input_names, output_names=output_names)
    for tensor in written.proto.graph.initializer:
        if external_threshold is not None and len(tensor.raw_data) >= external_threshold:
            onnx.external_data_helper.set_external_data(tensor, external_location)
    mark_weights(written.proto, written.weights)
    for key, value in sorted((metadata or {}).items()):
        written.proto.metadata_props.add(key=key, value=value)
    return written.proto


def write_model(
    program: Program,
    *,
    opset: int = DEFAULT_OPSET,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    by_reference: int | None = None,
    with_types: bool = True,
    guard_empty: bool = False,
    rules: Mapping[str, NodeWriter] | None = None,
) -> WrittenModel:
    """Like `to_onnx`, for a runtime in the same process.

    Args:
        program: The program.
        opset: The version of the standard operators.
        input_names: Names of the graph's inputs.
        output_names: Names of the graph's outputs.
        by_reference: The size in bytes from which a constant stays an array beside the model.
        with_types: Whether to declare the types of inner values.
        guard_empty: Whether what may loop over nothing (Scan, LSTM, GRU) stands in an If: ONNX Runtime fails on it.
        rules: Rules by primitive or composite that come before the usual ones: a runtime's own faster forms. Operators
            of other domains than ONNX's are imported at version 1.

    Raises:
        OnnxExportError: If the opset cannot express some nodes.
        ValueError: If the opset or the names do not fit.
    """
    if not OLDEST_OPSET <= opset <= newest_opset():
        raise ValueError(f"opset must lie between {OLDEST_OPSET} and {newest_opset()}, got {opset}.")
    model = ModelWriter(opset, by_reference, with_types, guard_empty, rules)
    check_expressible(program, model)
    graph = GraphWriter(model, program.name)
    model.sizes = Sizes(graph, program)
    given = _chosen(input_names, [value.name or "input" for value in program.inputs], "input_names")
    wanted = _chosen(output_names, [value.name or "output" for value in program.outputs], "output_names")
    inputs = [model.names.unique(name) for name in given]
    outputs = [model.names.unique(name) for name in wanted]
    for name, value in zip(inputs, program.inputs, strict=True):
        model.sizes.add_input(name, value.shape)
    graph.finish(graph.inline(program, inputs, outputs), outputs)
    proto = graph.proto(
        graph.declared(inputs, [value.type for value in program.inputs]),
        graph.declared(outputs, [value.type for value in program.outputs]),
    )
    # A rule may have made another constant of the one that it was given.
    read = set(_names_read(proto))
    proto.initializer.extend(tensor for tensor in model.initializers if tensor.name in read)
    arrays = {name: array for name, array in model.arrays.items() if name in read}
    result = ModelProto(producer_name="cornu", producer_version=_version(), graph=proto)
    result.opset_import.append(opset_id("", opset))
    result.opset_import.extend(opset_id(domain, 1) for domain in sorted(model.domains))
    result.ir_version = helper.find_min_ir_version_for(result.opset_import, ignore_unknown=True)
    weights = tuple(name for name in model.weights if name in read)
    return WrittenModel(result, arrays, model.origins, tuple(inputs), tuple(outputs), weights)


def _names_read(graph: GraphProto) -> Iterator[str]:
    """What the nodes of a graph and of its sub-graphs read."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _names_read(attribute.g)


def _chosen(names: Sequence[str] | None, defaults: list[str], what: str) -> Sequence[str]:
    if names is None:
        return defaults
    if len(names) != len(defaults) or len(set(names)) != len(names):
        raise ValueError(f"{what} takes {len(defaults)} different names, got {list(names)}.")
    return names


def check_expressible(program: Program, model: ModelWriter) -> None:
    """Checks that every node has a rule, a standard operator of its name, or a decomposition.

    Raises:
        OnnxExportError: Naming every node that has none.
    """
    found = [(node.op, layer_path(node.scope)) for node in _inexpressible(program, model)]
    missing = [f"{op} (in {layer})" if layer else op for op, layer in found]
    if missing:
        listed = ", ".join(dict.fromkeys(missing))
        raise OnnxExportError(f"ONNX opset {model.opset} cannot express these operators of {program.name}: {listed}.")


def _inexpressible(program: Program, model: ModelWriter) -> list[Node]:
    found: list[Node] = []
    for node in program.nodes:
        if model.special(node) is not None:
            continue
        if node.op == "Call":
            found += _inexpressible(node.attributes["body"], model)
            continue
        for body in node.bodies.values():
            found += _inexpressible(body, model)
        ruled = node.op in _ALWAYS or node.op in WRITE
        if not ruled and input_dtypes(node.op, model.opset) is None and lookup(node.op).decompose is None:
            found.append(node)
    return found


_ALWAYS = ("Identity", "StopGradient", "Constant")


@lru_cache(maxsize=1)
def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cornu")
    except PackageNotFoundError:
        return ""
