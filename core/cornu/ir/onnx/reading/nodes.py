"""A node of an ONNX graph as the rules that read it see it, and the error that names it."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import NodeProto


class OnnxImportError(ValueError):
    """A model cannot be read; the message names the nodes or tensors and what about them."""


class _Attributes(dict[str, Any]):
    """Attributes that know which of them were looked at."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)


class OnnxNode:
    """A node as rules see it.

    Args:
        proto: The message.
        opset: The version of the standard operators.
    """

    def __init__(self, proto: NodeProto, opset: int) -> None:
        self.op: str = proto.op_type
        self.name: str = node_name(proto)
        self.inputs: tuple[str, ...] = tuple(proto.input)
        self.outputs: tuple[str, ...] = tuple(proto.output)
        self.opset = opset
        self.attributes = _Attributes((a.name, onnx.helper.get_attribute_value(a)) for a in proto.attribute)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute; strings as text, lists as tuples."""
        value = self.attributes.get(name, default)
        if isinstance(value, bytes):
            return value.decode()
        return tuple(value) if isinstance(value, list) else value

    def has(self, i: int) -> bool:
        """Whether the optional input is given."""
        return i < len(self.inputs) and bool(self.inputs[i])

    def axis(self, rank: int, default: int | None = None, name: str = "axis") -> int:
        """An attribute that is an axis, counted from the front.

        Raises:
            OnnxImportError: If there is no such axis.
        """
        return self.on(int(self.get(name, default)), rank, name)

    def on(self, axis: int, rank: int, name: str = "axis") -> int:
        """An axis counted from the front.

        Raises:
            OnnxImportError: If there is no such axis.
        """
        if not -rank <= axis < rank:
            raise self.error(f"its {name} {axis} does not exist in a tensor of rank {rank}.")
        return axis % rank

    def check_all_seen(self) -> None:
        """Checks that a rule has looked at every attribute that says something.

        Raises:
            OnnxImportError: If one was not: what it asks for is not supported.
        """
        for name in self.attributes.keys() - self.attributes.seen - _WITHOUT_EFFECT:
            value = self.attributes[name]
            if not _is_default(self.op, self.opset, name, value):
                raise self.error(f"its attribute {name}={value!r} is not supported.")

    def error(self, message: str) -> OnnxImportError:
        """An error that names this node."""
        return OnnxImportError(f"{self.op} node {self.name!r}: {message}")


# What concerns memory, random numbers, training, numbers that programs lack, or says again what is seen anyway.
_WITHOUT_EFFECT = {
    *("broadcast", "consumed_inputs", "count_include_pad", "hidden_size", "is_test", "momentum", "num_outputs"),
    *("output_sequence", "precision", "ratio", "round_mode", "saturate", "seed", "stash_type", "storage_order"),
}


def _is_default(op: str, opset: int, name: str, value: Any) -> bool:
    try:
        declared = onnx.defs.get_schema(op, opset, "").attributes.get(name)
    except onnx.defs.SchemaError:
        return False
    if declared is None or declared.default_value.type == onnx.AttributeProto.UNDEFINED:
        return False
    return bool(onnx.helper.get_attribute_value(declared.default_value) == value)


def node_name(proto: NodeProto) -> str:
    """A node's own name, or that of its first output."""
    return proto.name or (proto.output[0] if proto.output else proto.op_type)
