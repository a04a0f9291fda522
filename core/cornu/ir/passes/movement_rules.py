"""Rules for what only moves or repeats elements, and for reductions of it."""

from __future__ import annotations

import math

from cornu.ir.dim import DimLike, product
from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.program import Node, Value
from cornu.ir.shapes import SizeConflictError, broadcast_shapes
from cornu.ir.types import Shape, is_float, numpy_dtype

# fmt: off
UNARY = (
    "Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Sin", "Cos", "Tan", "Asin",
    "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh", "Erf", "Sigmoid", "Softplus", "Relu", "Cast",
    "Not", "BitwiseNot", "IsNaN", "IsInf",
)
BROADCASTING = (
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Where", "Equal", "Less", "LessOrEqual", "Greater",
    "GreaterOrEqual", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift",
)
# fmt: on
ELEMENTWISE = frozenset(UNARY + BROADCASTING)
REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin")


# -- shapes --------------------------------------------------------------------------------------------------------


def reshape(r: Rewriter, node: Node) -> Value | None:
    """Reshape to the same shape, of a Reshape, of one repeated element"""
    x, shape = node.inputs[0], node.outputs[0].shape
    if x.shape == shape:
        return x
    inner = r.producer(x, "Reshape", "Expand", *REDUCTIONS)
    if inner is None:
        return None
    source = inner.inputs[0]
    if inner.op == "Reshape":
        return r.reshape(source, shape)
    if inner.op in REDUCTIONS:
        return _keeping_axes(r, inner, shape) if r.used_once(x) else None
    return r.expand(r.reshape(source, ()), shape) if _one_element(source) else None


def _keeping_axes(r: Rewriter, reduction: Node, shape: Shape) -> Value | None:
    """Reshape(Reduce(x)) that brings the reduced axes back is Reduce(x, keepdims=True)"""
    (x,), axes = reduction.inputs, reduction.attributes["axes"]
    kept = tuple(1 if i in axes else dim for i, dim in enumerate(x.shape))
    if reduction.attributes["keepdims"] or kept != shape:
        return None
    return r.emit(reduction.op, x, axes=axes, keepdims=True)


def transpose(r: Rewriter, node: Node) -> Value | None:
    """Transpose of nothing, of a Transpose, of axes of size 1 only"""
    x, perm = node.inputs[0], node.attributes["perm"]
    if perm == tuple(range(len(perm))):
        return x
    if inner := r.producer(x, "Transpose"):
        first = inner.attributes["perm"]
        return r.emit("Transpose", inner.inputs[0], perm=tuple(first[axis] for axis in perm))
    return r.reshape(x, node.outputs[0].shape) if keeps_order(x.shape, perm) else None


def keeps_order(shape: Shape, perm: tuple[int, ...]) -> bool:
    """True where a transpose moves only axes of size 1."""
    wide = [axis for axis in perm if shape[axis] != 1]
    return wide == sorted(wide)


def single_shape(expand: Node) -> Shape:
    """The shape of what an Expand repeats, with all axes of the result."""
    x = expand.inputs[0]
    return (1,) * (expand.outputs[0].type.rank - x.type.rank) + x.shape


def transpose_of_repeated(r: Rewriter, node: Node) -> Value | None:
    """Transpose(Expand(x)) = Expand(Transpose(x))"""
    inner = r.producer(node.inputs[0], "Expand")
    if inner is None:
        return None
    x = r.reshape(inner.inputs[0], single_shape(inner))
    return r.expand(r.emit("Transpose", x, perm=node.attributes["perm"]), node.outputs[0].shape)


def expand(r: Rewriter, node: Node) -> Value | None:
    """Expand to the same shape, of an Expand, of a Reshape that only puts axes of size 1 in front"""
    x, shape = node.inputs[0], node.outputs[0].shape
    if x.shape == shape:
        return x
    if inner := r.producer(x, "Expand"):
        return r.expand(inner.inputs[0], shape)
    shorter = without_leading_ones(r, x)
    return None if shorter is x else r.expand(shorter, shape)


def without_leading_ones(r: Rewriter, value: Value) -> Value:
    """What `value` is a Reshape of, where that only put axes of size 1 in front."""
    while node := r.producer(value, "Reshape"):
        source = node.inputs[0]
        extra = value.type.rank - source.type.rank
        if extra < 0 or value.shape[extra:] != source.shape or any(dim != 1 for dim in value.shape[:extra]):
            break
        value = source
    return value


def _one_element(value: Value) -> bool:
    return all(dim == 1 for dim in value.shape)


# -- repeated elements ---------------------------------------------------------------------------------------------


def late_expand(r: Rewriter, node: Node) -> Value | None:
    """f(Expand(x), y) = f(x, y), and f(Expand(x), Expand(y)) = Expand(f(x, y))"""
    bare = [_without_expand(r, value) for value in node.inputs]
    if all(new is old for new, old in zip(bare, node.inputs, strict=True)):
        return None
    shape = node.outputs[0].shape
    try:
        smaller = broadcast_shapes(*(value.shape for value in bare))
    except SizeConflictError:
        return None
    if smaller != shape and not any(r.producer(value, "Expand") for value in node.inputs):
        return None
    return r.expand(r.emit(node.op, *bare, **node.attributes), shape)


def _without_expand(r: Rewriter, value: Value) -> Value:
    node = r.producer(value, "Expand")
    return without_leading_ones(r, node.inputs[0] if node else value)


def move_expanded(r: Rewriter, node: Node) -> Value | None:
    """A slice of one repeated element is fewer of it"""
    inner = r.producer(node.inputs[0], "Expand")
    if inner is None or not _one_element(inner.inputs[0]):
        return None
    return r.expand(r.reshape(inner.inputs[0], ()), node.outputs[0].shape)


# -- parts ---------------------------------------------------------------------------------------------------------


def whole_slice(r: Rewriter, node: Node) -> Value | None:
    """Slice of everything"""
    x, a = node.inputs[0], node.attributes
    whole = all(
        start == 0 and step == 1 and end == x.shape[axis]
        for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"], strict=True)
    )
    return x if whole else None


def turned_twice(r: Rewriter, node: Node) -> Value | None:
    """Axes turned round twice are as they were"""
    inner = r.producer(node.inputs[0], "Slice")
    if inner is None or set(node.attributes["axes"]) != set(inner.attributes["axes"]):
        return None
    return inner.inputs[0] if _turns_round(node) and _turns_round(inner) else None


def _turns_round(node: Node) -> bool:
    a = node.attributes
    return all(
        step == -1 and end == -1 and start == node.inputs[0].shape[axis] - 1
        for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"], strict=True)
    )


def slice_of_slice(r: Rewriter, node: Node) -> Value | None:
    """Slices with step 1 add up"""
    inner = r.producer(node.inputs[0], "Slice")
    if inner is None or any(step != 1 for step in (*node.attributes["steps"], *inner.attributes["steps"])):
        return None
    bounds: dict[int, tuple[DimLike, DimLike]] = {
        axis: (start, end)
        for axis, start, end in zip(*(inner.attributes[name] for name in ("axes", "starts", "ends")), strict=True)
    }
    for axis, start, end in zip(*(node.attributes[name] for name in ("axes", "starts", "ends")), strict=True):
        offset = bounds[axis][0] if axis in bounds else 0
        bounds[axis] = (offset + start, offset + end)
    axes = tuple(sorted(bounds))
    return r.emit(
        "Slice",
        inner.inputs[0],
        starts=tuple(bounds[axis][0] for axis in axes),
        ends=tuple(bounds[axis][1] for axis in axes),
        axes=axes,
        steps=(1,) * len(axes),
    )


def no_pad(r: Rewriter, node: Node) -> Value | None:
    """Pad by nothing"""
    return node.inputs[0] if all(n == 0 for n in (*node.attributes["before"], *node.attributes["after"])) else None


def concat(r: Rewriter, node: Node) -> Value | None:
    """Concat of one tensor, with empty ones, of all parts of a Split"""
    axis = node.attributes["axis"]
    parts = [value for value in node.inputs if value.shape[axis] != 0] or list(node.inputs[:1])
    if len(parts) == 1:
        return parts[0]
    split = r.producer(parts[0], "Split")
    if split is not None and split.attributes["axis"] == axis and split.outputs == tuple(parts):
        return split.inputs[0]
    return r.emit("Concat", *parts, axis=axis) if len(parts) < len(node.inputs) else None


def split_of_one(r: Rewriter, node: Node) -> Value | None:
    """Split into one part"""
    return node.inputs[0] if len(node.outputs) == 1 else None


def tile_once(r: Rewriter, node: Node) -> Value | None:
    """Tile once is nothing; of axes of size 1 it is an Expand"""
    x, repeats = node.inputs[0], node.attributes["repeats"]
    if all(repeat == 1 or dim == 1 for repeat, dim in zip(repeats, x.shape, strict=True)):
        return r.expand(x, node.outputs[0].shape)
    return None


# -- reductions ----------------------------------------------------------------------------------------------------


def reduce_nothing(r: Rewriter, node: Node) -> Value | None:
    """A reduction over no axes, or axes of size 1, is a Reshape"""
    x = node.inputs[0]
    return r.reshape(x, node.outputs[0].shape) if all(x.shape[axis] == 1 for axis in node.attributes["axes"]) else None


def sum_of_sum(r: Rewriter, node: Node) -> Value | None:
    """A sum of a sum is one sum; the same for maxima, minima and products"""
    inner = r.producer(node.inputs[0], node.op)
    if inner is None or not r.used_once(node.inputs[0]) or inner.attributes["keepdims"] != node.attributes["keepdims"]:
        return None
    x, first, second = inner.inputs[0], inner.attributes["axes"], node.attributes["axes"]
    left = [i for i in range(x.type.rank) if node.attributes["keepdims"] or i not in first]
    axes = tuple(sorted({*first, *(left[axis] for axis in second)}))
    return r.emit(node.op, x, axes=axes, keepdims=node.attributes["keepdims"])


def sum_of_repeated(r: Rewriter, node: Node) -> Value | None:
    """The sum of an element repeated c > 0 times is c times the element; its mean, maximum and minimum are itself"""
    inner = r.producer(node.inputs[0], "Expand")
    if inner is None:
        return None
    source, shape, axes = inner.inputs[0], node.inputs[0].shape, node.attributes["axes"]
    single: Shape = (1,) * (len(shape) - source.type.rank) + source.shape
    repeated = [axis for axis in axes if single[axis] == 1 and shape[axis] != 1]
    count = product([shape[axis] for axis in repeated])
    if not repeated or not isinstance(count, int) or count == 0:
        return None
    value = r.emit(node.op, r.reshape(source, single), axes=axes, keepdims=node.attributes["keepdims"])
    if node.op == "ReduceSum":
        if is_float(value.dtype) and numpy_dtype(value.dtype).itemsize == 2 and not math.log2(count).is_integer():
            return None  # the factor is rounded there
        value = r.emit("Mul", value, r.number(count, value.dtype))
    return r.expand(value, node.outputs[0].shape)


RULES: dict[str, list[Rule]] = {
    "Reshape": [reshape],
    "Transpose": [transpose, transpose_of_repeated],
    "Expand": [expand],
    "Slice": [whole_slice, turned_twice, slice_of_slice, move_expanded],
    "Pad": [no_pad],
    "Concat": [concat],
    "Split": [split_of_one],
    "Tile": [tile_once],
    "ReduceSum": [reduce_nothing, sum_of_repeated, sum_of_sum],
    "ReduceMean": [reduce_nothing, sum_of_repeated],
    "ReduceProd": [reduce_nothing, sum_of_sum],
    "ReduceMax": [reduce_nothing, sum_of_repeated, sum_of_sum],
    "ReduceMin": [reduce_nothing, sum_of_repeated, sum_of_sum],
    **{op: [late_expand] for op in sorted(ELEMENTWISE)},
}
