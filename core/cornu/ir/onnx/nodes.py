"""A node of an ONNX graph as the rules that read it see it, and the error that names it."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import NodeProto


class OnnxImportError(ValueError):
    """A model cannot be read; the message names the nodes or tensors and what about them."""


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

    def error(self, message: str) -> OnnxImportError:
        """An error that names this node."""
        return OnnxImportError(f"{self.op} node {self.name!r}: {message}")


def node_name(proto: NodeProto) -> str:
    """A node's own name, or that of its first output."""
    return proto.name or (proto.output[0] if proto.output else proto.op_type)
