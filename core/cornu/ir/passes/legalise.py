"""Rewriting what a backend does not run natively."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.passes.inline import inline
from cornu.ir.passes.rewriting import once_per_program, with_bodies
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value
from cornu.ir.scope import layer_path
from cornu.ir.types import INTEGERS

Supports = Callable[[str, Sequence[str], Mapping[str, Any], str], bool]

WIDER: dict[str, tuple[str, ...]] = {
    "bool": ("uint8", "int32", "int64", "float32"),
    "int8": ("int16", "int32", "int64"),
    "int16": ("int32", "int64"),
    "int32": ("int64",),
    "uint8": ("uint16", "int32", "uint32", "int64", "uint64"),
    "uint16": ("int32", "uint32", "int64", "uint64"),
    "uint32": ("int64", "uint64"),
    "float16": ("float32", "float64"),
    "bfloat16": ("float32", "float64"),
    "float32": ("float64",),
}
"""What each dtype may be computed in: never one that holds fewer numbers, so float64 and 64-bit integers have none."""

_FIXED_OPERANDS: dict[str, tuple[int, ...]] = {
    "Where": (0,),
    "If": (0,),
    "Gather": (1,),
    "GatherElements": (1,),
    "GatherND": (1,),
    "ScatterElements": (1,),
    "ScatterND": (1,),
}
"""Operands whose dtype belongs to the operator: conditions and indices."""

_DEPTH = 24


class LegalisationError(ValueError):
    """A backend cannot run a node, and no rule of ours makes something of it that the backend can.

    Args:
        op: The operator, or the composite's name.
        dtypes: Its operands' element types.
        layer: The path of the layer that it belongs to.
        backend: The backend's name.
        device: The device.
    """

    def __init__(self, op: str, dtypes: Sequence[str], layer: str, backend: str, device: str) -> None:
        layer = layer_path(layer)
        place = f" of layer {layer}" if layer else ""
        where = f" on device {device!r}" if device else ""
        super().__init__(
            f"{op} of {', '.join(dtypes) or 'no operand'}{place} does not run on {backend}{where}: it is not native "
            "there, and neither its decomposition nor a wider dtype is. Use another dtype or another backend."
        )
        self.op = op
        self.dtypes = tuple(dtypes)
        self.layer = layer
        self.backend = backend


def dtypes_of(node: Node) -> tuple[str, ...]:
    """What `supports` is told about a node: its operands' element types, or its results' where it has no operands."""
    return tuple(value.dtype for value in node.inputs or node.outputs)


def is_native(node: Node, supports: Supports, device: str) -> bool:
    """Whether a backend runs a node as it is.

    A `Call` is asked for by its composite's own name: `supports(node.attributes["name"], dtypes, attributes, device)`;
    every other node by its operator. The attributes are the node's, sub-programs included.
    """
    name = node.attributes["name"] if node.op == "Call" else node.op
    return bool(supports(name, dtypes_of(node), node.attributes, device))


def legalise(program: Program, supports: Supports, device: str = "", backend: str = "this backend") -> Program:
    """Rewrites every node that is not native: by its decomposition, or else in a wider dtype; in sub-programs too.

    Args:
        program: The program.
        supports: The backend's predicate `(operator or composite, dtypes, attributes, device) -> bool`; see
            `is_native`. The bodies of native composites are the backend's own affair and stay untouched.
        device: The device, passed on to `supports`.
        backend: The backend's name, for the error.

    Returns:
        A program of native nodes only; the same object where it was one already.

    Raises:
        LegalisationError: If a node can be made native in no way; it names operator, dtypes, layer and backend.

    Example:
        >>> legalise(program, backend.supports, "cpu", "onnxruntime")
    """
    program = inline(program, lambda call: is_native(call, supports, device))
    return _Legaliser(supports, device, backend).run(program)


class _Legaliser:
    def __init__(self, supports: Supports, device: str, backend: str) -> None:
        self.supports = supports
        self.device = device
        self.backend = backend
        self.body = once_per_program(self.run)

    def run(self, program: Program) -> Program:
        output = Builder(program.name)
        for value in program.inputs:
            output.adopt(value)
        replaced: dict[Value, Value] = {}
        changed = False
        for old in program.nodes:
            inputs = tuple(replaced.get(value, value) for value in old.inputs)
            node = old if inputs == old.inputs else Node(old.op, inputs, old.outputs, old.attributes, old.scope)
            if node.op != "Call":
                node = with_bodies(node, self.body)
            results = self.place(node, output, 0)
            changed |= node is not old or results != node.outputs
            replaced.update((o, n) for o, n in zip(old.outputs, results, strict=True) if o is not n)
        if not changed:
            return program
        outputs = tuple(replaced.get(value, value) for value in program.outputs)
        return Program(program.name, program.inputs, outputs, tuple(output.nodes))

    def place(self, node: Node, output: Builder, depth: int) -> tuple[Value, ...]:
        """Adds the node, or what it is made of, to the output."""
        if is_native(node, self.supports, self.device):
            for value in node.outputs:
                output.adopt(value)
            output.nodes.append(node)
            return node.outputs
        if depth < _DEPTH:
            # A wider dtype first: a decomposition in 16 bits would round after each of its steps.
            for rewritten in (self.widened, self.decomposed):
                part = rewritten(node)
                if part is not None:
                    return self.place_all(*part, output, depth + 1)
        name = node.attributes["name"] if node.op == "Call" else node.op
        raise LegalisationError(name, dtypes_of(node), node.scope, self.backend, self.device)

    def place_all(
        self, nodes: Sequence[Node], results: Sequence[Value], output: Builder, depth: int
    ) -> tuple[Value, ...]:
        replaced: dict[Value, Value] = {}
        for node in nodes:
            inputs = tuple(replaced.get(value, value) for value in node.inputs)
            mapped = Node(node.op, inputs, node.outputs, node.attributes, node.scope)
            replaced.update(zip(node.outputs, self.place(mapped, output, depth), strict=True))
        return tuple(replaced.get(value, value) for value in results)

    def decomposed(self, node: Node) -> tuple[Sequence[Node], Sequence[Value]] | None:
        """The node in other primitives, by its own rule."""
        rule = lookup(node.op).decompose
        if rule is None:
            return None
        b = _builder_for(node)
        results = rule(b, node)
        if results is None:
            return None
        part = inline(Program(node.op, node.inputs, tuple(results), tuple(b.nodes)), self.keeps)
        return part.nodes, part.outputs

    def keeps(self, call: Node) -> bool:
        return is_native(call, self.supports, self.device)

    def widened(self, node: Node) -> tuple[Sequence[Node], Sequence[Value]] | None:
        """The node between casts to a dtype that holds more numbers."""
        if node.bodies:
            return None
        fixed = _FIXED_OPERANDS.get(node.op, ())
        changing = [i for i in range(len(node.inputs)) if i not in fixed]
        dtype = node.inputs[changing[0]].dtype if changing else node.outputs[0].dtype
        for wide in WIDER.get(dtype, ()):
            b = _builder_for(node)
            results = self._computed_in(wide, dtype, changing, node, b)
            if results is not None:
                return b.nodes, results
        return None

    def _computed_in(
        self, wide: str, dtype: str, changing: Sequence[int], node: Node, b: Builder
    ) -> list[Value] | None:
        if node.op == "Cast" and wide == node.attributes["to"]:
            return None
        inputs = list(node.inputs)
        for i in changing:
            if inputs[i].dtype == dtype:
                inputs[i] = b.Cast(inputs[i], to=wide)
        attributes = dict(node.attributes)
        if not changing and attributes.get("dtype") == dtype:
            attributes["dtype"] = wide
        try:
            results = b.emit(node.op, inputs, attributes)
        except TypeError:
            return None  # the operator is not defined for that dtype
        if not is_native(b.nodes[-1], self.supports, self.device):
            return None
        return [
            value if value.type == old.type else self._narrowed(b, node, value, old.dtype)
            for value, old in zip(results, node.outputs, strict=True)
        ]

    @staticmethod
    def _narrowed(b: Builder, node: Node, value: Value, dtype: str) -> Value:
        if dtype in INTEGERS and node.op in ("ReduceMax", "ReduceMin"):
            # Of no elements the wider dtype's own extreme comes out, which would wrap.
            info = np.iinfo(dtype)
            bound = info.min if node.op == "ReduceMax" else info.max
            value = b.emit(node.op[len("Reduce") :], (value, b.constant(bound, value.dtype)), {})[0]
        result: Value = b.Cast(value, to=dtype)
        return result


def _builder_for(node: Node) -> Builder:
    b = Builder(node.op)
    b.scope = node.scope
    for value in node.inputs:
        b.adopt(value)
    return b
