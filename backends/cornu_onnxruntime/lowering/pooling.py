"""Maxima of windows whose gradient is needed too."""

from __future__ import annotations

from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value
from cornu_onnxruntime.lowering.nodes import is_call

_WINDOW = ("kernel_shape", "strides", "dilations")


def shared_maxima(program: Program) -> dict[str, list[Rule]]:
    """MaxPool is written as the maxima that `MaxPoolGrad` of the same windows computes anyway: they become one."""
    wanted = {
        (node.inputs[0], *(node.attributes[name] for name in _WINDOW))
        for node in program.nodes
        if is_call(node, "MaxPoolGrad")
    }

    def share(r: Rewriter, node: Node) -> Value | None:
        if (node.inputs[0], *(node.attributes[name] for name in _WINDOW)) not in wanted:
            return None
        rule = lookup("MaxPool").decompose
        assert rule is not None
        results = rule(r.builder, node)
        return None if results is None else results[0]

    return {"MaxPool": [share]}
