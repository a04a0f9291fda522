"""Writing elementwise operators where ONNX leaves open, or has differently, what the primitive fixes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.onnx.graph import GraphWriter
from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.registry import writes
from cornu.ir.program import Node
from cornu.ir.types import is_float, numpy_dtype


@writes("Cast")
def _cast(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    if node.inputs[0].dtype == node.attributes["to"]:
        return inputs
    w.add("Cast", inputs, outputs, to=ELEMENT_TYPES[node.attributes["to"]])
    return None


def _safe_divisor(w: GraphWriter, node: Node, divisor: str) -> tuple[str, str | None]:
    """A divisor without zeros, and where the original has some (None where it is known to have none)."""
    known = w.value_of(divisor)
    if known is not None and np.all(known):
        return divisor, None
    dtype = numpy_dtype(node.inputs[1].dtype)
    is_zero = w.new("Equal", divisor, w.number(0, dtype))
    return w.new("Where", is_zero, w.number(1, dtype), divisor), is_zero


@writes("Div")
def _div(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    """ONNX does not say what an integer divided by zero is; here it is 0."""
    dtype = node.inputs[0].dtype
    if is_float(dtype):
        w.add("Div", inputs, outputs)
        return None
    divisor, is_zero = _safe_divisor(w, node, inputs[1])
    if is_zero is None:
        w.add("Div", inputs, outputs)
    else:
        w.add("Where", [is_zero, w.number(0, numpy_dtype(dtype)), w.new("Div", inputs[0], divisor)], outputs)
    return None


@writes("Mod")
def _mod(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    """The remainder with the divisor's sign, which ONNX has for integers only; an integer modulo 0 is 0."""
    dtype = numpy_dtype(node.inputs[0].dtype)
    x, y = inputs
    if is_float(node.inputs[0].dtype):
        zero = w.number(0, dtype)
        rest = w.new("Mod", x, y, fmod=1)
        other_side = w.new("Xor", w.new("Less", rest, zero), w.new("Less", y, zero))
        wrong = w.new("And", other_side, w.new("Not", w.new("Equal", rest, zero)))
        w.add("Where", [wrong, w.new("Add", rest, y), rest], outputs)
        return None
    divisor, is_zero = _safe_divisor(w, node, y)
    if is_zero is None:
        w.add("Mod", inputs, outputs)
    else:
        w.add("Where", [is_zero, w.number(0, dtype), w.new("Mod", x, divisor)], outputs)
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
    fits = w.new("Less", inputs[1], w.number(bits, dtype))
    zero = w.number(0, dtype)
    shifted = w.new("BitShift", inputs[0], w.new("Where", fits, inputs[1], zero), direction=direction)
    w.add("Where", [fits, shifted, zero], outputs)
    return None
