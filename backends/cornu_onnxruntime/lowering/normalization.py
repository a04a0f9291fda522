"""Batch normalization in training as ONNX Runtime's own operator."""

from __future__ import annotations

import itertools

from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter
from cornu.ir.program import Node, Value

from cornu_onnxruntime.lowering.nodes import add_calls, is_call
from cornu_onnxruntime.lowering.shapes import is_static

_numbers = itertools.count(1)


def training_normalization(r: Rewriter, node: Node) -> tuple[Value, ...] | None:
    """`BatchNormalizationTraining` is one BatchNormalization with `training_mode`, which is two passes less.

    With a momentum of 0 the further outputs are the batch's own mean and variance. They are written over the running
    statistics that the operator is given, even where these are initializers or belong to another node, too (measured
    with onnxruntime 1.32): so each node gets tensors of its own that are computed at run time. Their numbers only have
    to be finite.
    """
    if not is_call(node, "BatchNormalizationTraining"):
        return None
    x, scale, offset = node.inputs
    body = node.attributes["body"]
    if x.dtype != "float32" or not is_static(x) or x.type.rank < 3:
        # Left as it is, the node would be written with constants for the running statistics, and the operator would
        # write over these, which the graph may use elsewhere: with zeros for the offset, say.
        return tuple(r.builder.inline(body, node.inputs))[: len(node.outputs)]
    channels = x.shape[1]

    def meaning(b: Builder, x: Value, scale: Value, offset: Value, *statistics: Value) -> list[Value]:
        return list(b.inline(body, (x, scale, offset))[:3])

    corner = r.emit(
        "Slice",
        x,
        starts=(0,) * (x.type.rank - 1),
        ends=(1,) * (x.type.rank - 1),
        axes=(0, *range(2, x.type.rank)),
        steps=(1,) * (x.type.rank - 1),
    )
    flag = r.emit("Cast", r.emit("IsNaN", r.reshape(corner, (channels,))), to="float32")
    own = [r.emit("Mul", flag, r.number(next(_numbers), "float32")) for _ in range(2)]
    settings = {"epsilon": node.attributes["epsilon"], "momentum": 0.0, "training_mode": 1}
    y, mean, variance = add_calls(r, "ort.BatchNormalization", [x, scale, offset, *own], meaning, settings)
    return (y, mean, variance, mean, variance)[: len(node.outputs)]
