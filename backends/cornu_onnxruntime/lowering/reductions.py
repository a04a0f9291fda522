"""Sums: over leading axes as a product with ones, over trailing ones by ReduceSum, never mixed in one ReduceSum."""

from __future__ import annotations

import math

import numpy as np
from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.program import Node, Value
from cornu.ir.types import numpy_dtype

from cornu_onnxruntime.lowering.shapes import is_static

_FLOATS = ("float32", "float64")
_FEWEST = 16
"""How many elements a sum over leading axes must have for a product to pay."""


def leading_sum(r: Rewriter, node: Node) -> Value | None:
    """ReduceSum over the first axes is a product with a row of ones."""
    x, axes = node.inputs[0], node.attributes["axes"]
    count = len(axes)
    if x.dtype not in _FLOATS or axes != tuple(range(count)) or not 0 < count < x.type.rank or not is_static(x):
        return None
    rows, inner = math.prod(x.shape[:count]), math.prod(x.shape[count:])
    if rows < _FEWEST or inner == 1:
        return None
    ones = r.emit("Constant", value=np.ones((1, rows), numpy_dtype(x.dtype)))
    return r.reshape(r.emit("MatMul", ones, r.reshape(x, (rows, inner))), node.outputs[0].shape)


def mixed_sum(r: Rewriter, node: Node) -> Value | None:
    """ReduceSum over the first axes and some last ones: the last ones first."""
    x, axes = node.inputs[0], node.attributes["axes"]
    rank = x.type.rank
    if x.dtype not in _FLOATS or not is_static(x) or len(axes) == rank:
        return None
    tail = [axis for axis in axes if all(later in axes for later in range(axis, rank))]
    head = tuple(axis for axis in axes if axis not in tail)
    if not tail or not head:
        return None
    first = r.emit("ReduceSum", x, axes=tuple(tail), keepdims=False)
    return r.reshape(r.emit("ReduceSum", first, axes=head, keepdims=False), node.outputs[0].shape)


RULES: dict[str, list[Rule]] = {"ReduceSum": [mixed_sum, leading_sum]}
