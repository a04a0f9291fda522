"""Maxima of two-dimensional windows and their gradient, each as one node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cornu.ir.builder import Builder
from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.passes.rewriting import Rewriter, rewrite
from cornu.ir.program import Node, Program, Value

from cornu_kernels.operators import DOMAIN

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.graph import GraphWriter

MAXIMA = "kernels.MaxPool"
GRADIENT = "MaxPoolGrad"


def computes(call: Node) -> bool:
    """Whether the kernel computes that composite: the gradient for 32-bit floats [N, C, H, W] of known sizes."""
    return call.attributes["name"] == GRADIENT and _fits(call.inputs[0])


def lower_maxima(program: Program) -> Program:
    """MaxPool as our own node where its gradient is: the runtime's would have it in another layout."""
    reads = {call.inputs[0] for call in program.nodes if call.op == "Call" and computes(call)}

    def own(r: Rewriter, node: Node) -> Value | None:
        if node.inputs[0] not in reads:
            return None
        b = Builder(MAXIMA)
        body = b.finish(b.emit("MaxPool", [b.input(node.inputs[0].type)], node.attributes))
        return r.emit("Call", node.inputs[0], name=MAXIMA, body=body, **node.attributes)

    return rewrite(program, {"MaxPool": [own]})


def _fits(x: Value) -> bool:
    return x.dtype == "float32" and len(x.shape) == 4 and all(isinstance(size, int) and size > 0 for size in x.shape)


def _write(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    op = GRADIENT if node.attributes["name"] == GRADIENT else "MaxPool"
    shape = node.inputs[0].shape
    w.add(op, inputs, outputs, domain=DOMAIN, dims=[len(shape), *shape], window=_window(node.attributes))


def _window(attributes: Mapping[str, Any]) -> list[int]:
    axes = zip(attributes["kernel_shape"], attributes["strides"], attributes["dilations"], strict=True)
    return [number for axis in axes for number in axis]


WRITERS: dict[str, NodeWriter] = {MAXIMA: NodeWriter(_write), GRADIENT: NodeWriter(_write)}
"""How the composites are written."""
