"""Reading ONNX graphs as programs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
from onnx import GraphProto

from cornu.ir.builder import Builder
from cornu.ir.dim import Dim, DimLike
from cornu.ir.onnx.reading.constants import constant_array
from cornu.ir.onnx.reading.known import Ints, TooManyError, ints_of
from cornu.ir.onnx.reading.limits import check_dim, check_type
from cornu.ir.onnx.reading.nodes import OnnxImportError, OnnxNode
from cornu.ir.onnx.reading.signature import tensor_type
from cornu.ir.onnx.registry import FOLD, READ
from cornu.ir.program import Value
from cornu.ir.types import Shape, TensorType, numpy_dtype

_REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class GraphReader:
    """One graph being read into a builder; rules use it to look at inputs.

    Args:
        builder: Where nodes are recorded.
        opset: The version of the standard operators.
        parent: The reader of the enclosing graph.
        weights: Constants that become inputs of the program, after the others, where an operator computes with them.
    """

    def __init__(
        self,
        builder: Builder,
        opset: int,
        parent: GraphReader | None = None,
        weights: Mapping[str, TensorType] | None = None,
    ) -> None:
        self.b = builder
        self.opset = opset
        self.parent = parent
        self._values: dict[str, Value] = {}
        self._known: dict[str, Ints] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self._weights: Mapping[str, TensorType] = weights or {}
        self.weights_read: list[str] = []
        self.weights_fixed: set[str] = set()
        self.declared: dict[str, TensorType] = {}

    # -- for the rules -------------------------------------------------------------------------------------------

    def value(self, name: str) -> Value:
        """A tensor by name; constants and known integers become nodes when they are first asked for.

        Raises:
            OnnxImportError: If nothing has that name.
        """
        if name not in self._values:
            self._values[name] = self._first_value(name)
        return self._values[name]

    def _first_value(self, name: str) -> Value:
        if name in self._known:
            return self.materialise(self._known[name])
        if name in self._weights:
            self.weights_read.append(name)
            return self.b.input(self._weights[name], name)
        if name in self._arrays:
            return self.b.constant(self._arrays[name])
        if self.parent is None:
            raise OnnxImportError(f"Nothing defines the tensor {name!r}.")
        if not self.parent.is_weight(name):
            known = self.known(name)
            if known is not None and not known.static:
                return self.materialise(known)
            array = self.array(name)
            if array is not None:
                return self.b.constant(array)
        return self.parent.value(name)

    def is_weight(self, name: str) -> bool:
        """Whether a name means, in this graph, a constant that becomes an input of the program."""
        if name in self._weights:
            return True
        own = name in self._values or name in self._known or name in self._arrays
        return not own and self.parent is not None and self.parent.is_weight(name)

    def given(self, node: OnnxNode, i: int) -> Value:
        """A node's i-th input."""
        return self.value(node.inputs[i])

    def fixed(self, node: OnnxNode, i: int) -> Value:
        """A node's i-th input, which is a setting: as a constant it is no weight."""
        array = self.array(node.inputs[i])
        return self.given(node, i) if array is None else self.b.constant(array)

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
            return None if array is None else ints_of(array)
        return self.parent.known(name) if self.parent is not None else None

    def array(self, name: str) -> np.ndarray | None:
        """The elements of a constant tensor, where it is one."""
        if name in self._arrays:
            if name in self._weights:
                self.weights_fixed.add(name)
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

    def floats(self, node: OnnxNode, i: int, what: str) -> tuple[float, ...]:
        """The elements of a node's i-th input, which must be a constant.

        Raises:
            OnnxImportError: If it is not.
        """
        array = self.array(node.inputs[i])
        if array is None:
            raise node.error(f"its {what} {node.inputs[i]!r} must be constant.")
        return tuple(float(number) for number in array.ravel())

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
        """Takes a sub-graph's constants."""
        for tensor in graph.initializer:
            self._arrays[tensor.name] = constant_array(tensor)

    def declare(self, graph: GraphProto) -> None:
        """Takes the types that a graph declares for its values: hints, so that those that cannot be are none."""
        for info in graph.value_info:
            with suppress(ValueError):
                self.declared[info.name] = tensor_type(info.type, info.name)

    def read_nodes(self, graph: GraphProto) -> None:
        """Records a graph's nodes."""
        for proto in graph.node:
            node = OnnxNode(proto, self.opset)
            with self.b.scoped(_scope(node)):
                self._read(node)

    def _read(self, node: OnnxNode) -> None:
        try:
            if self._fold(node):
                return
            rule = READ.get(node.op)
            if rule is None:
                raise node.error("its value is needed where only sizes can be computed.")
            results = rule(self, node)
            node.check_all_seen()
            outputs = [results] if isinstance(results, Value) else list(results)
            for name, value in zip(node.outputs, outputs, strict=False):
                check_type(self.b.resolve_type(value.type), f"its output {name!r}")
                if name:
                    self.define(name, value)
        except _REFUSALS as error:
            text = str(error)
            if isinstance(error, OnnxImportError) and " node '" in text:
                raise
            raise node.error(_lower(text) or type(error).__name__) from error

    def _fold(self, node: OnnxNode) -> bool:
        """Computes what is known while reading; False where the node must be recorded."""
        fold = FOLD.get(node.op)
        if fold is None:
            return False
        try:
            known = fold(self, node)
        except TooManyError:
            return False
        if known is None and node.op != "Constant":
            return False
        several = known if isinstance(known, (list, tuple)) else [known] if isinstance(known, Ints) else []
        for name, ints in zip(node.outputs, several, strict=False):
            for dim in ints.tuple():
                check_dim(dim, f"its output {name!r}")
            self.define(name, ints)
        return True


def _lower(text: str) -> str:
    """A sentence as the second half of another."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _scope(node: OnnxNode) -> str:
    """The layer path of a node name: what stands before its last part."""
    return node.name.rpartition("/")[0]
