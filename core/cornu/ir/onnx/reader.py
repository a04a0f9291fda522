"""Reading ONNX models as programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.inliner
import onnx.shape_inference
from onnx import GraphProto, ModelProto, NodeProto, TypeProto, numpy_helper

from cornu.ir.builder import Builder
from cornu.ir.dim import Dim, DimLike, SymbolicDimError, symbol
from cornu.ir.onnx.known import LARGEST_KNOWN, Ints, parse_dim
from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.registry import FOLD, READ
from cornu.ir.program import Program, Value
from cornu.ir.types import Shape, TensorType, is_integer, numpy_dtype

_DOMAINS = ("", "ai.onnx")


class OnnxImportError(ValueError):
    """A model cannot be read as a program; the message names the nodes and what about them."""


class OnnxNode:
    """A node as rules see it.

    Args:
        proto: The message.
        opset: The version of the standard operators.
    """

    def __init__(self, proto: NodeProto, opset: int) -> None:
        self.op: str = proto.op_type
        self.name: str = proto.name or (proto.output[0] if proto.output else proto.op_type)
        self.inputs: tuple[str, ...] = tuple(proto.input)
        self.outputs: tuple[str, ...] = tuple(proto.output)
        self.opset = opset
        self.attributes: dict[str, Any] = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute; strings as text, lists as tuples."""
        value = self.attributes.get(name, default)
        if isinstance(value, bytes):
            return value.decode()
        return tuple(value) if isinstance(value, list) else value

    def has(self, i: int) -> bool:
        """Whether the optional input is given."""
        return i < len(self.inputs) and bool(self.inputs[i])

    def error(self, message: str) -> OnnxImportError:
        """An error that names this node."""
        return OnnxImportError(f"{self.op} node {self.name!r}: {message}")


class GraphReader:
    """One graph being read into a builder; rules use it to look at inputs.

    Args:
        builder: Where nodes are recorded.
        opset: The version of the standard operators.
        parent: The reader of the enclosing graph.
    """

    def __init__(self, builder: Builder, opset: int, parent: GraphReader | None = None) -> None:
        self.b = builder
        self.opset = opset
        self.parent = parent
        self._values: dict[str, Value] = {}
        self._known: dict[str, Ints] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self.declared: dict[str, TensorType] = {}

    # -- for the rules -------------------------------------------------------------------------------------------

    def value(self, name: str) -> Value:
        """A tensor by name; constants and known integers become nodes when they are first asked for.

        Raises:
            OnnxImportError: If nothing has that name.
        """
        if name not in self._values:
            if name in self._known:
                self._values[name] = self.materialise(self._known[name])
            elif name in self._arrays:
                self._values[name] = self.b.constant(self._arrays[name])
            elif self.parent is not None:
                array, known = self.array(name), self.known(name)
                if known is not None and not known.static:
                    self._values[name] = self.materialise(known)
                else:
                    self._values[name] = self.b.constant(array) if array is not None else self.parent.value(name)
            else:
                raise OnnxImportError(f"Nothing defines the tensor {name!r}.")
        return self._values[name]

    def given(self, node: OnnxNode, i: int) -> Value:
        """A node's i-th input."""
        return self.value(node.inputs[i])

    def all(self, node: OnnxNode) -> list[Value]:
        """All inputs of a node."""
        return [self.value(name) for name in node.inputs]

    def shape(self, value: Value) -> Shape:
        """A tensor's sizes after all unifications so far."""
        return self.b.resolve_type(value.type).shape

    def known(self, name: str) -> Ints | None:
        """The elements of an integer tensor, where they are known."""
        if name in self._known:
            known = self._known[name]
            return known if known.static else known.map(lambda dim: self.b.resolve(dim))
        if name in self._arrays or name in self._values:
            array = self._arrays.get(name)
            return None if array is None else _ints(array)
        return self.parent.known(name) if self.parent is not None else None

    def array(self, name: str) -> np.ndarray | None:
        """The elements of a constant tensor, where it is one."""
        if name in self._arrays:
            return self._arrays[name]
        known = self.known(name)
        if known is not None:
            return known.values.astype(numpy_dtype(known.dtype)) if known.static else None
        if name in self._values or self.parent is None:
            return None
        return self.parent.array(name)

    def dims(self, node: OnnxNode, i: int, what: str) -> tuple[DimLike, ...]:
        """The elements of a node's i-th input, which must be known.

        Raises:
            OnnxImportError: If they depend on the model's data.
        """
        known = self.known(node.inputs[i])
        if known is None:
            raise node.error(f"its {what} {node.inputs[i]!r} is not computed from constants and sizes.")
        return known.tuple()

    def ints(self, node: OnnxNode, i: int, what: str) -> tuple[int, ...]:
        """Like `dims`, for what must be numbers.

        Raises:
            OnnxImportError: If they are not.
        """
        dims = self.dims(node, i, what)
        if any(isinstance(dim, Dim) for dim in dims):
            raise node.error(f"its {what} {dims} must be numbers.")
        return tuple(int(dim) for dim in dims)

    def number(self, node: OnnxNode, i: int, what: str, default: float) -> float:
        """The one element of a node's optional i-th input, which must be a constant.

        Raises:
            OnnxImportError: If it is not.
        """
        if not node.has(i):
            return default
        array = self.array(node.inputs[i])
        if array is None or array.size != 1:
            raise node.error(f"its {what} {node.inputs[i]!r} must be one constant number.")
        number: float = array.reshape(()).item()
        return number

    def materialise(self, known: Ints) -> Value:
        """Known integers as a tensor."""
        if known.static:
            return self.b.constant(known.values.astype(numpy_dtype(known.dtype)))
        parts = [self.b.DimValue(size=dim) for dim in known.tuple()]
        if known.values.ndim == 0:
            whole = parts[0]
        else:
            whole = self.b.Concat(*(self.b.Reshape(part, shape=(1,)) for part in parts), axis=0)
            whole = self.b.Reshape(whole, shape=known.values.shape) if known.values.ndim > 1 else whole
        return whole if known.dtype == "int64" else self.b.Cast(whole, to=known.dtype)  # type: ignore[no-any-return]

    def define(self, name: str, value: Value | Ints) -> None:
        """Names a tensor."""
        if isinstance(value, Ints):
            self._known[name] = value
        else:
            self._values[name] = value

    def define_array(self, name: str, array: np.ndarray) -> None:
        """Names a constant."""
        self._arrays[name] = array

    # -- graphs --------------------------------------------------------------------------------------------------

    def read_initializers(self, graph: GraphProto) -> None:
        """Takes a graph's constants."""
        for tensor in graph.initializer:
            self._arrays[tensor.name] = constant_array(tensor)
        if graph.sparse_initializer:
            raise OnnxImportError(f"Graph {graph.name} has sparse constants, which programs do not have.")

    def read_nodes(self, graph: GraphProto) -> None:
        """Records a graph's nodes."""
        for info in graph.value_info:
            if info.type.HasField("tensor_type") and info.type.tensor_type.HasField("shape"):
                self.declared[info.name] = tensor_type(info.type, info.name)
        for proto in graph.node:
            node = OnnxNode(proto, self.opset)
            with self.b.scoped(_scope(node)):
                self._read(node)

    def _read(self, node: OnnxNode) -> None:
        fold = FOLD.get(node.op)
        if fold is not None:
            known = fold(self, node)
            if known is not None or node.op == "Constant":
                several = known if isinstance(known, (list, tuple)) else [known] if isinstance(known, Ints) else []
                for name, ints in zip(node.outputs, several, strict=False):
                    self.define(name, ints)
                return
        rule = READ.get(node.op)
        if rule is None:
            raise node.error("its value is needed where only sizes can be computed.")
        try:
            results = rule(self, node)
        except (TypeError, ValueError) as error:
            if isinstance(error, (OnnxImportError, SymbolicDimError)):
                raise
            raise node.error(str(error)) from error
        outputs = [results] if isinstance(results, Value) else results
        for name, value in zip(node.outputs, outputs, strict=False):
            if name:
                self.define(name, value)


def from_onnx(model: ModelProto | str) -> Program:
    """Reads an ONNX model as a program.

    Sizes that the model computes with operators (Shape, Gather, Concat, ...) become attributes again, named dimensions
    become symbols, unnamed ones symbols called after their input.

    Args:
        model: The model, or the path of one.

    Raises:
        OnnxImportError: If operators are not supported (all are listed with their nodes), or a shape depends on data.

    Example:
        >>> program = from_onnx("model.onnx")
        >>> [value.name for value in program.inputs]
        ['image']
    """
    proto = onnx.load(model) if isinstance(model, str) else model
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    import cornu.ir.onnx.rules
    import cornu.primitives  # noqa: F401  (both register what they hold)

    opset = next((entry.version for entry in proto.opset_import if entry.domain in _DOMAINS), 1)
    check_readable(proto.graph)
    if not proto.graph.value_info:
        proto = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    builder = Builder(proto.graph.name or "program")
    reader = GraphReader(builder, opset)
    reader.read_initializers(proto.graph)
    for info in proto.graph.input:
        if reader.array(info.name) is None:
            reader.define(info.name, builder.input(tensor_type(info.type, info.name), info.name))
    reader.read_nodes(proto.graph)
    outputs = [reader.value(info.name) for info in proto.graph.output]
    for info, value in zip(proto.graph.output, outputs, strict=True):
        value.name = value.name or info.name
    return builder.finish(outputs)


def check_readable(graph: GraphProto) -> None:
    """Checks that every operator has a rule.

    Raises:
        OnnxImportError: Listing every node whose operator has none.
    """
    missing: dict[str, list[str]] = {}
    _collect_missing(graph, missing)
    if missing:
        listed = "; ".join(f"{op} ({', '.join(nodes)})" for op, nodes in sorted(missing.items()))
        raise OnnxImportError(f"These operators of {graph.name} are not supported: {listed}.")


def _collect_missing(graph: GraphProto, missing: dict[str, list[str]]) -> None:
    for node in graph.node:
        if node.domain not in _DOMAINS or (node.op_type not in READ and node.op_type not in FOLD):
            op = f"{node.domain}.{node.op_type}" if node.domain not in _DOMAINS else node.op_type
            missing.setdefault(op, []).append(node.name or node.output[0])
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                _collect_missing(body, missing)


def tensor_type(type: TypeProto, name: str) -> TensorType:
    """A tensor's type; unnamed unknown sizes become symbols.

    Raises:
        OnnxImportError: If it is not a tensor of a known rank and element type.
    """
    tensor = type.tensor_type
    if not type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise OnnxImportError(f"{name!r} must be a tensor of known rank.")
    if tensor.elem_type not in DTYPE_OF_ELEMENT_TYPE:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise OnnxImportError(f"{name!r} has elements of type {kind}, which programs do not have.")
    dims: list[DimLike] = []
    for i, dim in enumerate(tensor.shape.dim):
        if dim.HasField("dim_value"):
            dims.append(dim.dim_value)
        else:
            dims.append(parse_dim(dim.dim_param) if dim.dim_param else symbol(f"{name}_{i}"))
    return TensorType(DTYPE_OF_ELEMENT_TYPE[tensor.elem_type], tuple(dims))


def constant_array(tensor: onnx.TensorProto) -> np.ndarray:
    """A constant's elements.

    Raises:
        OnnxImportError: If programs do not have its element type.
    """
    if tensor.data_type not in DTYPE_OF_ELEMENT_TYPE:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        raise OnnxImportError(f"The constant {tensor.name!r} has elements of type {kind}, which programs do not have.")
    array = numpy_helper.to_array(tensor)
    return np.asarray(array, numpy_dtype(DTYPE_OF_ELEMENT_TYPE[tensor.data_type]))


def _ints(array: np.ndarray) -> Ints | None:
    name = array.dtype.name
    if array.size > LARGEST_KNOWN or not (is_integer(name) or name == "bool"):
        return None
    return Ints.of(array, name)


def _scope(node: OnnxNode) -> str:
    """The layer path of a node name: what stands before its last part."""
    return node.name.rpartition("/")[0]
