"""Operators in the forms in which OpenVINO computes what the primitives mean.

Its comparisons `>` and `>=` hold for NaN, its maxima pass over a NaN that is their first operand, its reductions and
windows pass over every NaN and begin at the lowest finite number, `exp(NaN)` is infinite, comparisons of int32 are
made in float32, casts to integers wrap, and some bad indices are followed wherever they lead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.program import Node, Value
from cornu.ir.types import TensorType

Rule = Callable[[Builder, Node, Sequence[Value]], "Sequence[Value] | None"]
"""`(builder, node, its operands there) -> its results`, or None where the node is right as it is."""

RULES: dict[str, Rule] = {}
_INT32 = np.iinfo(np.int32)
_SMALL = 1 << 12
_ERF = [2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(7)]
"""The coefficients of erf(x) / x by powers of the square of x; good to float32 up to 0.5."""


def write(b: Builder, node: Node, inputs: Sequence[Value], constants: Container[Value]) -> Sequence[Value]:
    """Adds a node to a part of OpenVINO's, in its right form.

    Args:
        b: The part's builder.
        node: The node.
        inputs: Its operands there.
        constants: The program's values that are known.
    """
    if node.op in ("Max", "Min") and node.inputs[0] in constants:
        inputs = inputs[::-1]
    with b.scoped(node.scope):
        rule = RULES.get(node.op)
        results = rule(b, node, inputs) if rule else None
        return b.emit(node.op, inputs, node.attributes) if results is None else results


def _form(*operators: str) -> Callable[[Rule], Rule]:
    def enter(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, rule))
        return rule

    return enter


def _is_float(value: Value) -> bool:
    return value.dtype == "float32"


def _is_int(value: Value) -> bool:
    return value.dtype in ("int32", "int64")


def _number(b: Builder, value: float, like: Value) -> Value:
    return b.constant(value, like.dtype)


# -- elementwise ---------------------------------------------------------------------------------------------------


@_form("Exp")
def _exp(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
    (x,) = inputs
    return [b.Where(b.Equal(x, x), b.Exp(x), x)]


@_form("Erf")
def _erf(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
    """Near 0, where OpenVINO's is right absolutely but not relatively, by its Taylor series."""
    (x,) = inputs
    square = b.Mul(x, x)
    series = _number(b, _ERF[-1], x)
    for coefficient in _ERF[-2::-1]:
        series = b.Add(b.Mul(series, square), coefficient)
    return [b.Where(b.Less(b.Abs(x), 0.5), b.Mul(series, x), b.Erf(x))]


@_form("Relu")
def _relu(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
    (x,) = inputs
    return [b.Where(b.Less(x, 0.0), _number(b, 0, x), x)]


@_form("Max", "Min")
def _extreme(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """OpenVINO gives the second operand where one is NaN, and bounds that are constants where both are applied."""
    x, y = inputs
    if not _is_float(x):
        return None
    (result,) = b.emit(node.op, (x, y), {})
    return [b.Where(b.Equal(x, x), result, x)]


@_form("Equal")
def _equal(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    x, y = inputs
    return [_same(b, x, y)] if _is_int(x) else None


@_form("Less", "LessOrEqual", "Greater", "GreaterOrEqual")
def _compare(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    x, y = inputs if node.op.startswith("Less") else inputs[::-1]
    strictly = not node.op.endswith("OrEqual")
    if _is_int(x):
        # The larger one is not the first one; or it is the second one.
        larger = b.Max(x, y)
        return [b.Not(_same(b, larger, x)) if strictly else _same(b, larger, y)]
    return [b.Less(x, y) if strictly else b.LessOrEqual(x, y)]


def _same(b: Builder, x: Value, y: Value) -> Value:
    """Whether integers are equal: no difference of theirs is rounded to 0."""
    difference = b.BitwiseXor(x, y)
    return b.Equal(difference, _number(b, 0, x))  # type: ignore[no-any-return]


@_form("Cast")
def _cast(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    (x,), target = inputs, node.attributes["to"]
    if x.dtype in ("float16", "bfloat16") and target != "float32":
        x = b.Cast(x, to="float32")
    if target == "bool":
        return [b.Not(b.Equal(x, _number(b, 0, x)))]
    if _is_float(x) and target not in ("float16", "bfloat16", "float32"):
        return [_to_integer(b, x, target)]
    return [b.Cast(x, to=target)]


def _to_integer(b: Builder, x: Value, target: str) -> Value:
    """The nearest end of the integers' range for what lies outside, and 0 for NaN."""
    is_number = b.Equal(x, x)
    if target == "int32":
        # OpenVINO gives the lowest integer for all that lies outside.
        outside = b.Where(is_number, b.constant(_INT32.max, target), b.constant(0, target))
        return b.Where(b.Less(x, 2.0**31), b.Cast(x, to=target), outside)  # type: ignore[no-any-return]
    info = np.iinfo(target)
    number = b.Where(is_number, x, _number(b, 0, x))
    return b.Cast(b.Max(b.Min(number, float(info.max)), float(info.min)), to=target)  # type: ignore[no-any-return]


# -- reductions and windows ----------------------------------------------------------------------------------------


def _marks(b: Builder, x: Value, nothing: float) -> Value:
    """2 where `x` is NaN, 0 where it is `nothing` (the infinity that is the extreme of nothing), and 1 elsewhere."""
    beyond = b.Less(nothing, x) if nothing < 0 else b.Less(x, nothing)
    return b.Where(b.Equal(x, x), b.Cast(beyond, to=x.dtype), _number(b, 2, x))  # type: ignore[no-any-return]


def _marked(b: Builder, marks: Value, extreme: Value, nothing: float) -> Value:
    """An extreme of numbers, put right where the largest of the marks says that there was something else."""
    something = b.Where(b.Less(0.0, marks), extreme, _number(b, nothing, extreme))
    return b.Where(b.Less(marks, 2.0), something, _number(b, np.nan, extreme))  # type: ignore[no-any-return]


@_form("ReduceMax", "ReduceMin")
def _reduce(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    (x,) = inputs
    if not _is_float(x):
        return None
    nothing = -np.inf if node.op == "ReduceMax" else np.inf
    marks = b.ReduceMax(_marks(b, x, nothing), **node.attributes)
    return [_marked(b, marks, b.emit(node.op, (x,), node.attributes)[0], nothing)]


@_form("MaxPool")
def _max_pool(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
    (x,) = inputs
    marks = b.MaxPool(_marks(b, x, -np.inf), **node.attributes)
    return [_marked(b, marks, b.MaxPool(x, **node.attributes), -np.inf)]


@_form("ArgMax", "ArgMin")
def _argument(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """The first NaN, where there is one."""
    (x,), a = inputs, node.attributes
    if not _is_float(x):
        return None
    nan = b.Where(b.Equal(x, x), _number(b, 0, x), _number(b, 1, x))
    some = b.Less(0.0, b.ReduceMax(nan, axes=(a["axis"],), keepdims=a["keepdims"]))
    return [b.Where(some, b.ArgMax(nan, **a), b.emit(node.op, (x,), a)[0])]


# -- movement ------------------------------------------------------------------------------------------------------


@_form("Reshape")
def _reshape(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """A product of matrices that is made a scalar crashes OpenVINO."""
    if node.attributes["shape"]:
        return None
    return [b.Gather(b.Reshape(inputs[0], shape=(1,)), b.constant(0, "int64"), axis=0)]


@_form("Concat")
def _concat(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """Single elements in turn: joined as rows and turned round, which takes a third of the time."""
    axis, result = node.attributes["axis"], node.outputs[0]
    if axis != result.type.rank - 1 or any(value.shape[-1] != 1 for value in inputs) or _is_small(result):
        return None
    rows = b.Concat(*[b.Reshape(value, shape=(1, value.type.size)) for value in inputs], axis=0)
    return [b.Reshape(b.Transpose(rows, perm=(1, 0)), shape=result.shape)]


@_form("Split")
def _split(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """The same the other way round."""
    (x,), axis = inputs, node.attributes["axis"]
    if axis != x.type.rank - 1 or axis == 0 or any(size != 1 for size in node.attributes["sizes"]) or _is_small(x):
        return None
    *_, rows, columns = x.shape
    turned = b.Transpose(b.Reshape(x, shape=(x.type.size // (rows * columns), rows, columns)), perm=(0, 2, 1))
    parts = b.emit("Split", (turned,), {"axis": 1, "sizes": node.attributes["sizes"]})
    return [b.Reshape(part, shape=value.shape) for part, value in zip(parts, node.outputs, strict=True)]


def _is_small(value: Value) -> bool:
    return int(value.type.size) < _SMALL


@_form("GatherND")
def _gather_nd(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
    """Indices within bounds: OpenVINO reads wherever they point."""
    x, indices = inputs
    sizes = np.asarray(x.shape[: _count(indices.type)], indices.dtype)
    return [b.GatherND(x, b.Max(b.Min(indices, b.constant(sizes - 1)), b.constant(-sizes)))]


@_form("ScatterElements")
def _scatter_elements(b: Builder, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
    """What lies before the first element is moved behind the last one, where OpenVINO notices."""
    data, indices, updates = inputs
    size = int(data.shape[node.attributes["axis"]])
    inside = b.Less(_number(b, -size - 1, indices), indices)
    safe = b.Where(inside, indices, _number(b, size, indices))
    return b.emit("ScatterElements", (data, safe, updates), node.attributes)


def _count(indices: TensorType) -> int:
    """How many axes each index names."""
    last: Any = indices.shape[-1]
    return int(last)
