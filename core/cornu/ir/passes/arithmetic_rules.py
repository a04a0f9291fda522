"""Rules for arithmetic: neutral elements, signs, constants that meet, casts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.program import Node, Value
from cornu.ir.types import INTEGERS, SIGNED, is_float, numpy_dtype


def forward_operand(r: Rewriter, node: Node) -> Value | None:
    """Identity(x) = StopGradient(x) = x"""
    return node.inputs[0]


def _is(r: Rewriter, value: Value, number: float) -> bool:
    return bool(r.scalar(value) == number)


# -- sums ----------------------------------------------------------------------------------------------------------


def add_zero(r: Rewriter, node: Node) -> Value | None:
    """x + 0 = x"""
    x, y = node.inputs
    if _is(r, y, 0):
        return x
    return y if _is(r, x, 0) else None


def subtract_zero(r: Rewriter, node: Node) -> Value | None:
    """x - 0 = x, 0 - x = -x"""
    x, y = node.inputs
    if _is(r, y, 0):
        return x
    if _is(r, x, 0) and y.type == node.outputs[0].type and _signed(y):
        return r.emit("Neg", y)
    return None


def add_negated(r: Rewriter, node: Node) -> Value | None:
    """x + -y = x - y"""
    x, y = node.inputs
    if negated := r.producer(y, "Neg"):
        return r.emit("Sub", x, negated.inputs[0])
    if negated := r.producer(x, "Neg"):
        return r.emit("Sub", y, negated.inputs[0])
    return None


def subtract_negated(r: Rewriter, node: Node) -> Value | None:
    """x - -y = x + y"""
    negated = r.producer(node.inputs[1], "Neg")
    return r.emit("Add", node.inputs[0], negated.inputs[0]) if negated else None


def negate(r: Rewriter, node: Node) -> Value | None:
    """-(-x) = x, -(x - y) = y - x, -(x * c) = x * -c"""
    inner = r.producer(node.inputs[0], "Neg", "Sub", "Mul")
    if inner is None:
        return None
    if inner.op == "Neg":
        return inner.inputs[0]
    if not r.used_once(node.inputs[0]):
        return None
    if inner.op == "Sub":
        return r.emit("Sub", inner.inputs[1], inner.inputs[0])
    constant = _scalar_operand(r, inner)
    return None if constant is None else _times(r, constant[0], -constant[1])


# -- products ------------------------------------------------------------------------------------------------------


def multiply_by_one(r: Rewriter, node: Node) -> Value | None:
    """x * 1 = x, x * -1 = -x"""
    for x, y in (node.inputs, node.inputs[::-1]):
        if _is(r, y, 1):
            return x
        if _is(r, y, -1) and x.type == node.outputs[0].type and _signed(x):
            return r.emit("Neg", x)
    return None


def multiply_constants(r: Rewriter, node: Node) -> Value | None:
    """(x * a) * b = x * (a * b), (x / a) * b = x * (b / a) and (-x) * b = x * -b, for constants a and b"""
    outer = _scalar_operand(r, node)
    if outer is None:
        return None
    x, b = outer
    inner = r.producer(x, "Mul", "Div", "Neg")
    if inner is None:
        return None
    if inner.op == "Neg":
        return _times(r, inner.inputs[0], -b)
    if not r.used_once(x):
        return None
    if inner.op == "Mul":
        constant = _scalar_operand(r, inner)
        return None if constant is None else _times(r, constant[0], constant[1] * b)
    divisor = r.scalar(inner.inputs[1])
    if divisor is None or not is_float(x.dtype) or divisor == 0:
        return None
    return _times(r, inner.inputs[0], b / divisor)


def multiply_negated(r: Rewriter, node: Node) -> Value | None:
    """-x * -y = x * y, -x * y = -(x * y); the same for quotients"""
    x, y = node.inputs
    left, right = r.producer(x, "Neg"), r.producer(y, "Neg")
    if left and right:
        return r.emit(node.op, left.inputs[0], right.inputs[0])
    if left and r.used_once(x):
        return r.emit("Neg", r.emit(node.op, left.inputs[0], y))
    if right and r.used_once(y):
        return r.emit("Neg", r.emit(node.op, x, right.inputs[0]))
    return None


def divide_by_constant(r: Rewriter, node: Node) -> Value | None:
    """x / 1 = x, x / c = x * (1 / c) where that is exact, (x * a) / b = x * (a / b)"""
    x, y = node.inputs
    divisor = r.scalar(y)
    if divisor is None:
        return None
    if divisor == 1:
        return x
    if not is_float(x.dtype) or divisor == 0 or not math.isfinite(divisor):
        return None
    if abs(math.frexp(float(divisor))[0]) == 0.5:
        return _times(r, x, 1 / divisor)
    inner = r.producer(x, "Mul")
    constant = _scalar_operand(r, inner) if inner and r.used_once(x) else None
    return None if constant is None else _times(r, constant[0], constant[1] / divisor)


def power(r: Rewriter, node: Node) -> Value | None:
    """x ** 1 = x, x ** 2 = x * x"""
    x, y = node.inputs
    exponent = r.scalar(y)
    if exponent == 1:
        return x
    return r.emit("Mul", x, x) if exponent == 2 else None


def reciprocal(r: Rewriter, node: Node) -> Value | None:
    """1 / x = Reciprocal(x)"""
    x, y = node.inputs
    if is_float(y.dtype) and _is(r, x, 1) and y.type == node.outputs[0].type:
        return r.emit("Reciprocal", y)
    return None


def _scalar_operand(r: Rewriter, node: Node) -> tuple[Value, Any] | None:
    """The other operand and the number of a product with a constant."""
    for x, y in (node.inputs, node.inputs[::-1]):
        number = r.scalar(y)
        if number is not None and x.type == node.outputs[0].type:
            return x, number
    return None


def _times(r: Rewriter, x: Value, factor: Any) -> Value | None:
    """`x * factor`, unless the factor left the normal numbers of the dtype on the way."""
    with np.errstate(all="ignore"):
        number = np.asarray(factor).astype(numpy_dtype(x.dtype))
    if is_float(x.dtype) and not 2.0 ** (2 - 2 ** (_EXPONENT[x.dtype] - 1)) <= abs(float(number)) < math.inf:
        return None
    return r.emit("Mul", x, r.number(number, x.dtype))


def _signed(value: Value) -> bool:
    return is_float(value.dtype) or value.dtype in SIGNED


# -- casts and logic -----------------------------------------------------------------------------------------------

_MANTISSA = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
_EXPONENT = {"float16": 5, "bfloat16": 8, "float32": 8, "float64": 11}


def lossless(source: str, target: str) -> bool:
    """True where every number of `source` is one of `target`."""
    if source == target or source == "bool":
        return True
    if target == "bool":
        return False
    if source in INTEGERS:
        info = np.iinfo(source)
        if target in INTEGERS:
            wider = np.iinfo(target)
            return bool(wider.min <= info.min and info.max <= wider.max)
        return info.bits - (source in SIGNED) <= _MANTISSA[target] and info.bits < 2 ** (_EXPONENT[target] - 1)
    return is_float(target) and _MANTISSA[source] <= _MANTISSA[target] and _EXPONENT[source] <= _EXPONENT[target]


def cast(r: Rewriter, node: Node) -> Value | None:
    """Cast(x, its own dtype) = x, Cast(Cast(x, wider), to) = Cast(x, to)"""
    x, to = node.inputs[0], node.attributes["to"]
    if x.dtype == to:
        return x
    inner = r.producer(x, "Cast")
    if inner is None:
        return None
    source = inner.inputs[0]
    # Integers wrap and floats saturate on the way to an integer, so the detour must not change which of them happens.
    same_rule = is_float(source.dtype) == is_float(x.dtype) or to not in INTEGERS or lossless(source.dtype, to)
    return r.emit("Cast", source, to=to) if lossless(source.dtype, x.dtype) and same_rule else None


def double_negation(r: Rewriter, node: Node) -> Value | None:
    """not not x = x; the same for bits"""
    inner = r.producer(node.inputs[0], node.op)
    return inner.inputs[0] if inner else None


def where_of_known(r: Rewriter, node: Node) -> Value | None:
    """Where(true, x, y) = x, Where(false, x, y) = y, Where(c, x, x) = x"""
    condition, x, y = node.inputs
    known = r.scalar(condition)
    if known is not None:
        return x if known else y
    return x if x is y else None


RULES: dict[str, list[Rule]] = {
    "Identity": [forward_operand],
    "StopGradient": [forward_operand],
    "Add": [add_zero, add_negated],
    "Sub": [subtract_zero, subtract_negated],
    "Neg": [negate],
    "Mul": [multiply_by_one, multiply_constants, multiply_negated],
    "Div": [divide_by_constant, reciprocal, multiply_negated],
    "Pow": [power],
    "Cast": [cast],
    "Not": [double_negation],
    "BitwiseNot": [double_negation],
    "Where": [where_of_known],
}
