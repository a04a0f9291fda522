"""Writing the nodes of one graph, the main one or a sub-graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto

from cornu.ir.builder import Builder
from cornu.ir.onnx.names import Names, SizeNames, join
from cornu.ir.onnx.protos import node_proto, tensor_header, tensor_proto, value_info
from cornu.ir.onnx.registry import CALLS, WRITE, NodeWriter, WriteRule, name_of
from cornu.ir.onnx.schemas import input_dtypes, newest_opset, widened_dtype
from cornu.ir.onnx.writing.folding import fold_pads
from cornu.ir.onnx.writing.pairing import pair_directions
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value
from cornu.ir.scope import layer_path
from cornu.ir.types import TensorType

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.sizes import Sizes


class ModelWriter:
    """What the main graph and its sub-graphs share.

    Args:
        opset: The version of the standard operators.
        by_reference: The size in bytes from which constants are kept beside the model; None for never.
        with_types: Whether to declare the types of inner values.
        guard_empty: Whether loops over nothing are kept from running.
        rules: Rules by primitive or composite that come before the usual ones.
    """

    sizes: Sizes

    def __init__(
        self,
        opset: int,
        by_reference: int | None = None,
        with_types: bool = True,
        guard_empty: bool = False,
        rules: Mapping[str, NodeWriter] | None = None,
    ) -> None:
        self.opset = opset
        self.by_reference = by_reference
        self.with_types = with_types
        self.guard_empty = guard_empty
        self.rules = rules or {}
        self.domains: set[str] = set()
        self.names = Names()
        self.name_size = SizeNames()
        self.node_names = Names()
        self.initializers: list[TensorProto] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.weights: list[str] = []
        self.values: dict[str, np.ndarray] = {}
        self.origins: dict[str, tuple[str, str]] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def special(self, node: Node) -> NodeWriter | None:
        """The rule of its own that writes this node, if one does."""
        name = name_of(node)
        for table in (self.rules, CALLS if node.op == "Call" else {}):
            writer = table.get(name)
            if writer is not None and writer.applies(node, self.opset):
                return writer
        return None

    def constant(self, array: np.ndarray, wish: str = "") -> str:
        """The name of an initializer with that value; small equal ones are shared."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        key = (array.dtype.name, array.shape, array.tobytes()) if array.nbytes <= 256 else None
        if key is not None and key in self._constants:
            return self._constants[key]
        name = self._initializer(array, wish or _constant_name(array))
        if key is not None:
            self._constants[key] = name
        return name

    def weight(self, array: np.ndarray, wish: str) -> str:
        """The name of an initializer of its own, even if another one has the same value."""
        name = self._initializer(array, wish)
        self.weights.append(name)
        return name

    def _initializer(self, array: np.ndarray, wish: str) -> str:
        array = np.ascontiguousarray(array).reshape(array.shape)
        name = self.names.unique(wish)
        self.values[name] = array
        if self.by_reference is not None and array.nbytes >= self.by_reference:
            self.initializers.append(_referred(array, name))
            self.arrays[name] = array
        else:
            self.initializers.append(tensor_proto(array, name))
        return name


def _referred(array: np.ndarray, name: str) -> TensorProto:
    proto = tensor_header(array, name)
    proto.data_location = TensorProto.EXTERNAL
    proto.external_data.add(key="location", value=name)
    return proto


def _constant_name(array: np.ndarray) -> str:
    if array.ndim == 0:
        return f"const {array.item()!r}"
    if array.ndim == 1 and array.size <= 8 and array.dtype.kind in "iu":
        return f"const [{', '.join(map(str, array.tolist()))}]"
    return "const"


def _plain(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """The ONNX operator of the primitive's name, with the primitive's attributes."""
    w.add(node.op, inputs, outputs, **node.attributes)


class GraphWriter:
    """One graph in the making; the rules in `rules/` write through it.

    Args:
        model: What it shares with the other graphs of the model.
        name: The graph's name.
    """

    def __init__(self, model: ModelWriter, name: str) -> None:
        self.model = model
        self.name = name
        self.nodes: list[NodeProto] = []
        self.types: list[ValueInfoProto] = []
        self.produced: set[str] = set()
        self.scope = ""
        self._path = ""  # of the node being written, with marks
        self._origin: tuple[str, str] | None = None

    @property
    def opset(self) -> int:
        """The version of the standard operators that the model uses."""
        return self.model.opset

    # -- for the rules -------------------------------------------------------------------------------------------

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        scope: str | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> None:
        """Adds a node that defines `outputs`; attributes that are None are left out."""
        name = self.model.node_names.unique(join(self.scope if scope is None else scope, op))
        if domain:
            self.model.domains.add(domain)
        self.nodes.append(node_proto(op, name, inputs, outputs, attributes, domain))
        self.produced.update(outputs)
        if self._origin is not None:
            self.model.origins[name] = self._origin

    def new(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node of one output and returns that output's new name."""
        output = self.model.names.unique(join(self.scope, op))
        self.add(op, inputs, [output], **attributes)
        return output

    def constant(self, array: np.ndarray) -> str:
        """The name of a constant tensor."""
        return self.model.constant(array)

    def value_of(self, name: str) -> np.ndarray | None:
        """The elements of a constant, or None where the name is something else."""
        return self.model.values.get(name)

    def ints(self, values: Sequence[int]) -> str:
        """The name of a constant int64 vector."""
        return self.model.constant(np.asarray(values, np.int64).reshape(len(values)))

    def number(self, value: float, dtype: np.dtype) -> str:
        """The name of a constant scalar."""
        return self.model.constant(np.asarray(value).astype(dtype))

    @property
    def sizes(self) -> Sizes:
        """What writes symbolic sizes."""
        return self.model.sizes

    def subgraph(self, name: str) -> GraphWriter:
        """A writer of a sub-graph of the node being written."""
        graph = GraphWriter(self.model, name)
        graph.scope, graph._path, graph._origin = self.scope, self._path, self._origin
        return graph

    # -- programs ------------------------------------------------------------------------------------------------

    def inline(self, program: Program, inputs: Sequence[str], wanted: Sequence[str | None]) -> list[str]:
        """Writes a program's nodes.

        Args:
            program: The program.
            inputs: The names of what it reads.
            wanted: The name that each output should get; it may not where the output is one of the inputs.

        Returns:
            The names of the outputs.
        """
        names = dict(zip(program.inputs, inputs, strict=True))
        reserved: dict[Value, str] = {}
        for value, name in zip(program.outputs, wanted, strict=True):
            if name is not None and value not in names:
                reserved.setdefault(value, name)
        outer, path, origin = self.scope, self._path, self._origin
        nodes = fold_pads(program)
        # A guard would stand around both; runtimes in the process have loops of their own for each.
        for node in nodes if self.model.guard_empty else pair_directions(nodes):
            self.scope, self._path = join(outer, layer_path(node.scope)), join(path, node.scope)
            self._origin = (name_of(node), self._path)
            results = self._write(
                node, [names[value] for value in node.inputs], [reserved.get(v) for v in node.outputs]
            )
            names.update(zip(node.outputs, results, strict=True))
        self.scope, self._path, self._origin = outer, path, origin
        return [names[value] for value in program.outputs]

    def _write(self, node: Node, inputs: Sequence[str], wanted: Sequence[str | None]) -> Sequence[str]:
        if node.op in ("Identity", "StopGradient"):
            return inputs
        if node.op == "Constant":
            value, name = node.attributes["value"], node.outputs[0].name
            if name:
                return [self.model.weight(value, name)]
            return [self.model.constant(value, join(self.scope, "constant") if self.scope else "")]
        special = self.model.special(node)
        if special is not None:
            return self._ruled(node, special.write, inputs, wanted)
        if node.op == "Call":
            return self._inlined(node, inputs, wanted)
        wide = widened_dtype(node, self.opset)
        if wide:
            return self._widened(node, wide, inputs, wanted)
        lacking = wide is not None or input_dtypes(node.op, self.opset) is None
        of_ours = node.op in WRITE and input_dtypes(node.op, newest_opset()) is None  # written in a way of its own
        if lacking and not of_ours and lookup(node.op).decompose is not None:
            return self._decomposed(node, inputs, wanted)
        return self._ruled(node, WRITE.get(node.op, _plain), inputs, wanted)

    def _ruled(self, node: Node, rule: WriteRule, inputs: Sequence[str], wanted: Sequence[str | None]) -> Sequence[str]:
        outputs = self._name_outputs(node, wanted)
        results = rule(self, node, inputs, outputs) or outputs
        self._declare(node, results, outputs)
        return results

    def _name_outputs(self, node: Node, wanted: Sequence[str | None]) -> list[str]:
        base = join(self.scope, name_of(node))
        several = len(node.outputs) > 1
        return [name or self.model.names.unique(f"{base}.{i}" if several else base) for i, name in enumerate(wanted)]

    def _declare(self, node: Node, names: Sequence[str], outputs: Sequence[str]) -> None:
        if self.model.with_types:
            for value, name, own in zip(node.outputs, names, outputs, strict=True):
                if name == own:
                    self.types.append(value_info(name, value.type, self.model.name_size))

    def _inlined(self, node: Node, inputs: Sequence[str], wanted: Sequence[str | None]) -> Sequence[str]:
        scope = self.scope
        self.scope = join(scope, node.attributes["name"])
        results = self.inline(node.attributes["body"], inputs, wanted)
        self.scope = scope
        return results

    def _decomposed(self, node: Node, inputs: Sequence[str], wanted: Sequence[str | None]) -> Sequence[str]:
        rule = lookup(node.op).decompose
        assert rule is not None
        b = Builder(node.op)
        given = tuple(b.input(value.type) for value in node.inputs)
        outputs = rule(b, Node(node.op, given, node.outputs, node.attributes))
        if outputs is None:
            raise ValueError(f"ONNX opset {self.opset} has no {node.op}, and this one cannot be decomposed.")
        return self.inline(b.finish(outputs), inputs, wanted)

    def _widened(self, node: Node, wide: str, inputs: Sequence[str], wanted: Sequence[str | None]) -> Sequence[str]:
        """The node in a wider dtype between casts."""
        allowed = input_dtypes(node.op, self.opset) or ()
        b = Builder(node.op)
        given = [b.input(value.type) for value in node.inputs]
        narrow = {
            value.dtype for i, value in enumerate(node.inputs) if value.dtype not in allowed[min(i, len(allowed) - 1)]
        }
        operands = [b.Cast(value, to=wide) if value.dtype in narrow else value for value in given]
        outputs = b.emit(node.op, operands, node.attributes)
        return self.inline(
            b.finish(
                [
                    b.Cast(have, to=want.dtype) if have.dtype != want.dtype else have
                    for have, want in zip(outputs, node.outputs, strict=True)
                ]
            ),
            inputs,
            wanted,
        )

    # -- finishing -----------------------------------------------------------------------------------------------

    def finish(self, outputs: Sequence[str], wanted: Sequence[str]) -> list[str]:
        """Gives each output a name of its own that this graph defines.

        Args:
            outputs: The names of the outputs as they were written.
            wanted: The names that they must have; in a sub-graph `""` lets each keep its own where it can.
        """
        final: list[str] = []
        for name, wish in zip(outputs, wanted, strict=True):
            own = name in self.produced and name not in final and name == (wish or name)
            if not own:
                target = wish or self.model.names.unique(f"{name} out")
                self.add("Identity", [name], [target])
                name = target
            final.append(name)
        return final

    def proto(self, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]) -> GraphProto:
        """The finished graph."""
        graph = GraphProto(name=self.name)
        graph.node.extend(self.nodes)
        graph.input.extend(inputs)
        graph.output.extend(outputs)
        shown = {info.name for info in (*inputs, *outputs)}
        graph.value_info.extend(info for info in self.types if info.name not in shown)
        return graph

    def declared(self, names: Sequence[str], types: Sequence[TensorType]) -> list[ValueInfoProto]:
        """Names with their types, for a graph's inputs and outputs."""
        return [value_info(name, type, self.model.name_size) for name, type in zip(names, types, strict=True)]
