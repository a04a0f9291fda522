"""ONNX models as programs, with their constants inside or as weights to be given."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import onnx.inliner
import onnx.shape_inference
from onnx import GraphProto, ModelProto, TensorProto

from cornu.ir.builder import Builder
from cornu.ir.dim import product
from cornu.ir.onnx.protos import marked_weights, tensor_proto, value_info
from cornu.ir.onnx.reading.constants import constant_type
from cornu.ir.onnx.reading.known import LARGEST_KNOWN
from cornu.ir.onnx.reading.loading import Source, open_source
from cornu.ir.onnx.reading.nodes import OnnxImportError
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.reading.roles import Roles, separate_roles
from cornu.ir.onnx.reading.signature import input_types
from cornu.ir.onnx.reading.structure import (
    check_readable,
    check_structure,
    defaults,
    is_function,
    names_read,
    nodes_of,
    opset_of,
    without_rule,
)
from cornu.ir.program import Program
from cornu.ir.types import TensorType, is_float

_REFUSALS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
)  # fmt: skip

_IR_WITH_HIDDEN_CONSTANTS = 4
"""From this format on, a constant need not be declared as an input too."""

Result = TypeVar("Result")
AnyModel = ModelProto | bytes | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """An ONNX model as a program that takes its weights as inputs.

    Args:
        program: The program; its last inputs are the weights.
        inputs: The names of the other inputs.
        outputs: The names of the outputs.
        weights: The weights by name, in the order of the program's inputs; None where the model came without.
        roles: What some weights are for.
        graph: The model without its weights, as ONNX's message; it reads as the same program.
    """

    program: Program
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: Mapping[str, np.ndarray | None]
    roles: Roles
    graph: bytes


def from_onnx(model: ModelProto | str | os.PathLike[str]) -> Program:
    """Reads an ONNX model as a program, with its constants inside.

    Sizes that the model computes with operators (Shape, Gather, Concat, ...) become attributes again, named dimensions
    become symbols, unnamed ones symbols called after their input.

    Args:
        model: The model, or the path of one. Files may come from anybody: what is malformed, absurdly large or leads
            out of the file's own folder is refused.

    Raises:
        OnnxImportError: If operators are not supported (all are listed with their nodes), a shape depends on data, or
            the model is damaged or unsafe.
        FileNotFoundError: If there is no such file.

    Example:
        >>> program = from_onnx("model.onnx")
        >>> [value.name for value in program.inputs]
        ['image']
    """
    return _guarded(model, _read_program)


def import_model(
    model: AnyModel,
    constants: Collection[str] = (),
    weights: Collection[str] | None = None,
) -> ImportedModel:
    """Reads an ONNX model as a program of its inputs and weights.

    Weights are the float constants of rank 1 or more, without infinities, that operators compute with.

    Args:
        model: The model: its message, the bytes of that, or its path.
        constants: Names of constants that are no weights.
        weights: The names of the weights, for a model that was written without them.

    Raises:
        OnnxImportError: As `from_onnx`; or if `constants` names what is no constant.
        FileNotFoundError: If there is no such file.
    """
    return _guarded(model, lambda source: _read_model(source, constants, weights))


def _guarded(model: AnyModel, read: Callable[[Source], Result]) -> Result:
    """The one kind of error, naming the file, for whatever is wrong with a model."""
    name = os.fspath(model) if isinstance(model, (str, os.PathLike)) else ""
    try:
        with open_source(model) as source:
            return read(source)
    except FileNotFoundError:
        raise
    except OnnxImportError as error:
        if not name:
            raise
        raise OnnxImportError(f"{name}: {error}") from error.__cause__
    except (OSError, *_REFUSALS) as error:
        detail = str(error).strip() or type(error).__name__
        raise OnnxImportError(f"{name or 'The model'} cannot be read: {detail}") from error


def _read_program(source: Source) -> Program:
    proto = _prepared(source)
    arrays = {tensor.name: source.array(tensor) for tensor in proto.graph.initializer}
    return _read_graph(proto, arrays, {})[0]


def _read_model(source: Source, constants: Collection[str], named: Collection[str] | None) -> ImportedModel:
    proto = _prepared(source)
    if named is None:
        proto = separate_roles(proto if source.owned else _copied(proto), source)
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    unknown = [name for name in (*constants, *(named or ())) if name not in tensors]
    if unknown:
        raise OnnxImportError(f"The model has no constants {unknown}.")
    empty = {name for name in named or () if not tensors[name].raw_data}
    arrays = {name: source.array(tensor) for name, tensor in tensors.items() if name not in empty}
    marked = marked_weights(source.proto)
    chosen = named if named is not None else [name for name in tensors if marked is None or name in marked]
    chosen = [name for name in chosen if name not in constants]
    weights = {name: constant_type(tensors[name]) for name in chosen}
    weights = {name: type for name, type in weights.items() if name in empty or _may_be_weight(arrays[name])}
    program, inputs, reader = _read_graph(proto, arrays, weights)
    return ImportedModel(
        program,
        inputs,
        tuple(info.name for info in proto.graph.output),
        {name: arrays.get(name) for name in reader.weights_read},
        Roles.of(proto.graph),
        _without(proto, set(reader.weights_read) - reader.weights_fixed, arrays),
    )


def _may_be_weight(array: np.ndarray) -> bool:
    return is_float(array.dtype.name) and array.ndim > 0 and bool(np.isfinite(array).all())


def _copied(proto: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(proto)
    return copy


def _prepared(source: Source) -> ModelProto:
    """The model, checked, without functions of its own and with only its graph's constants elsewhere."""
    import cornu.ir.onnx.reading.rules
    import cornu.primitives  # noqa: F401  (both register what they hold)

    proto = source.proto
    check_structure(proto)
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
        check_structure(proto)
    proto = _with_bodies_of_operators(proto)
    check_readable(proto.graph)
    if source.folder is not None:
        source.bring_inside(proto.graph)
    return proto


def _with_bodies_of_operators(proto: ModelProto) -> ModelProto:
    """Puts what the standard defines by other operators in the place of operators without a rule."""
    opset = opset_of(proto)
    defined = sorted({op for op in without_rule(proto.graph) if is_function(op, opset)})
    if not defined:
        return proto
    skeleton = _typed_skeleton(proto)
    for node in nodes_of(skeleton.graph):
        if node.op_type in defined:
            # The inliner leaves out attributes that are not written.
            node.attribute.extend(defaults(node, opset))
    try:
        skeleton.graph.value_info.extend(onnx.shape_inference.infer_shapes(skeleton).graph.value_info)
        names = [("", op) for op in defined]
        bodies = onnx.inliner.inline_selected_functions(skeleton, names, inline_schema_functions=True)
    except (onnx.shape_inference.InferenceError, RuntimeError):
        return proto
    del bodies.graph.input[:], bodies.graph.initializer[:], bodies.graph.value_info[:]
    bodies.graph.input.extend(proto.graph.input)
    bodies.graph.initializer.extend(proto.graph.initializer)
    return bodies


def _read_graph(
    proto: ModelProto, arrays: Mapping[str, np.ndarray], weights: Mapping[str, TensorType]
) -> tuple[Program, tuple[str, ...], GraphReader]:
    """The program of the graph's inputs and then of the weights that are computed with; the inputs' names."""
    graph = proto.graph
    builder = Builder(graph.name or "program")
    reader = GraphReader(builder, opset_of(proto), weights=weights)
    for name, array in arrays.items():
        reader.define_array(name, array)
    constant = {*arrays, *weights}
    types = input_types(info for info in graph.input if info.name not in constant)
    for name, type in types.items():
        reader.define(name, builder.input(type, name))
    reader.declare(graph if graph.value_info else _inferred(proto))
    reader.read_nodes(graph)
    outputs = [reader.value(info.name) for info in graph.output]
    for info, value in zip(graph.output, outputs, strict=True):
        value.name = value.name or info.name
    return builder.finish(outputs), tuple(types), reader


def _inferred(proto: ModelProto) -> GraphProto:
    """The graph with the types of its values as onnx infers them without computing values, which may have no end."""
    try:
        return onnx.shape_inference.infer_shapes(_typed_skeleton(proto)).graph
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return proto.graph


def _typed_skeleton(proto: ModelProto) -> ModelProto:
    """The model with only those constants that may be sizes; the others are inputs."""
    skeleton = _skeleton(proto)
    for tensor in proto.graph.initializer:
        type = constant_type(tensor)
        inside = tensor.data_location != TensorProto.EXTERNAL and not is_float(type.dtype)
        if inside and product(type.shape) <= LARGEST_KNOWN:
            skeleton.graph.initializer.append(tensor)
        else:
            skeleton.graph.input.append(value_info(tensor.name, type))
    return skeleton


def _without(proto: ModelProto, names: Collection[str], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The message of the model without the elements of some constants, and without constants that nothing reads."""
    bare = _skeleton(proto)
    read = set(names_read(proto.graph))
    for tensor in proto.graph.initializer:
        if tensor.name in names:
            bare.graph.initializer.append(TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims))
        elif tensor.name in read:
            bare.graph.initializer.append(tensor_proto(arrays[tensor.name], tensor.name))
    return bytes(bare.SerializeToString(deterministic=True))


def _skeleton(proto: ModelProto) -> ModelProto:
    """The model without the constants of its graph, which may be large, and without texts for people."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    bare = ModelProto(ir_version=max(proto.ir_version, _IR_WITH_HIDDEN_CONSTANTS), opset_import=proto.opset_import)
    bare.graph.name = proto.graph.name
    bare.graph.node.extend(proto.graph.node)
    bare.graph.input.extend(info for info in proto.graph.input if info.name not in constants)
    bare.graph.output.extend(proto.graph.output)
    bare.graph.value_info.extend(proto.graph.value_info)
    return bare
