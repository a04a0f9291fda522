"""Composites that only this backend makes: each is one operator of ONNX Runtime, and its body says what it means.

So a lowered program is a program like any other: it can be verified, simplified, and evaluated by the reference
interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cornu.ir.builder import Builder
from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.passes.rewriting import Rewriter
from cornu.ir.program import Node, Value

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.graph import GraphWriter

Settings = dict[str, Any]
Meaning = Callable[..., Any]
"""`(builder, *inputs) -> a value or several`: the operator in primitives."""

NCHWC = "com.microsoft.nchwc"
CONTRIB = "com.microsoft"
_OPERATORS = {
    "ort.ReorderInput": (NCHWC, "ReorderInput"),
    "ort.ReorderOutput": (NCHWC, "ReorderOutput"),
    "ort.BlockedConv": (NCHWC, "Conv"),
    "ort.FusedMatMul": (CONTRIB, "FusedMatMul"),
    "ort.Conv": ("", "Conv"),
    "ort.ConvTranspose": ("", "ConvTranspose"),
    "ort.BatchNormalization": ("", "BatchNormalization"),
}


def add_call(r: Rewriter, name: str, inputs: Sequence[Value], meaning: Meaning, settings: Settings) -> Value:
    """Adds one of this backend's composites with one output.

    Args:
        r: The rewriter.
        name: A key of the table above.
        inputs: What it reads.
        meaning: The operator in primitives.
        settings: The ONNX node's attributes.
    """
    return add_calls(r, name, inputs, meaning, settings)[0]


def add_calls(
    r: Rewriter, name: str, inputs: Sequence[Value], meaning: Meaning, settings: Settings, **config: Any
) -> tuple[Value, ...]:
    """Adds one of this backend's composites."""
    b = Builder(name)
    made = meaning(b, *(b.input(value.type) for value in inputs))
    body = b.finish(made if isinstance(made, (list, tuple)) else [made])
    return r.emit_all("Call", *inputs, name=name, body=body, settings=tuple(sorted(settings.items())), **config)


def is_call(node: Node | None, name: str) -> bool:
    """Whether a node is that composite."""
    return node is not None and node.op == "Call" and node.attributes["name"] == name


def settings_of(node: Node) -> Settings:
    """The ONNX attributes of one of this backend's composites."""
    return dict(node.attributes["settings"])


def _write(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    domain, op = _OPERATORS[node.attributes["name"]]
    w.add(op, inputs, outputs, domain=domain, **settings_of(node))


WRITERS: dict[str, NodeWriter] = {name: NodeWriter(_write) for name in _OPERATORS}
"""How these composites are written."""
