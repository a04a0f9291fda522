"""Writing elementwise operators where ONNX leaves open, or has differently, what the primitive fixes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node
from cornu.ir.types import is_float, numpy_dtype


@writes("Cast")
def _cast(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    if node.inputs[0].dtype == node.attributes["to"]:
        return inputs
    w.add("Cast", inputs, outputs, to=ELEMENT_TYPES[node.attributes["to"]])
    return None


def _divided(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """An integer division or remainder that is 0 where the divisor is: ONNX does not say what it is."""
    x, y = inputs
    known = w.value_of(y)
    if known is not None and np.all(known):
        w.add(node.op, inputs, outputs)
        return
    dtype = node.inputs[1].dtype
    is_zero = w.new("Equal", y, w.number(0, numpy_dtype(dtype)))
    one_there = w.new("Cast", is_zero, to=ELEMENT_TYPES[dtype])
    result = w.new(node.op, x, w.new("Add", y, one_there))
    elsewhere = w.new("Cast", w.new("Not", is_zero), to=ELEMENT_TYPES[dtype])
    w.add("Mul", [result, elsewhere], outputs)


@writes("Div")
def _div(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    if is_float(node.inputs[0].dtype):
        w.add("Div", inputs, outputs)
    else:
        _divided(w, node, inputs, outputs)
    return None


@writes("Mod")
def _mod(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    """The remainder with the divisor's sign, which ONNX has for integers only."""
    if not is_float(node.inputs[0].dtype):
        _divided(w, node, inputs, outputs)
        return None
    x, y = inputs
    zero = w.number(0, numpy_dtype(node.inputs[0].dtype))
    rest = w.new("Mod", x, y, fmod=1)
    other_side = w.new("Xor", w.new("Less", rest, zero), w.new("Less", y, zero))
    wrong = w.new("And", other_side, w.new("Not", w.new("Equal", rest, zero)))
    w.add("Where", [wrong, w.new("Add", rest, y), rest], outputs)
    return None


@writes("BitShift")
def _bit_shift(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    """ONNX does not say what a shift by the width or more is; here it is 0."""
    dtype = numpy_dtype(node.inputs[0].dtype)
    bits = 8 * dtype.itemsize
    direction = node.attributes["direction"]
    amount = w.value_of(inputs[1])
    if amount is not None and np.all(amount < bits):
        w.add("BitShift", inputs, outputs, direction=direction)
        return None
    fits = w.new("Cast", w.new("Less", inputs[1], w.number(bits, dtype)), to=ELEMENT_TYPES[node.inputs[0].dtype])
    shifted = w.new("BitShift", inputs[0], w.new("Mul", inputs[1], fits), direction=direction)
    w.add("Mul", [shifted, fits], outputs)
    return None
