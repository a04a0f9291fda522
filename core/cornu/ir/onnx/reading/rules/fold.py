"""Computing known integers: what ONNX does to shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cornu.ir.dim import Dim, DimLike, at_least, maximum, product
from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.reading.constants import constant_array
from cornu.ir.onnx.reading.known import Ints, check_count, compare, divide, minimum
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import folds
from cornu.ir.types import is_integer


def _inputs(r: GraphReader, node: OnnxNode) -> list[Ints] | None:
    """All inputs, if every one is known."""
    known = [r.known(name) for name in node.inputs if name]
    return None if not known or any(ints is None for ints in known) else known  # type: ignore[return-value]


def _elementwise(function: Callable[..., object], dtype: str = "") -> Callable[[GraphReader, OnnxNode], Ints | None]:
    def fold(r: GraphReader, node: OnnxNode) -> Ints | None:
        known = _inputs(r, node)
        if known is None:
            return None
        result = known[0].map(function, *known[1:], dtype=dtype)
        return None if any(value is None for value in result.values.ravel()) else result

    return fold


def _largest(*dims: DimLike) -> DimLike:
    result = dims[0]
    for dim in dims[1:]:
        result = maximum(result, dim)
    return result


def _smallest(*dims: DimLike) -> DimLike:
    result = dims[0]
    for dim in dims[1:]:
        result = minimum(result, dim)
    return result


_ARITHMETIC: dict[str, Callable[..., object]] = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Mul": lambda x, y: x * y,
    "Div": divide,
    "Mod": lambda x, y: x % y,
    "Neg": lambda x: -x,
    "Max": _largest,
    "Min": _smallest,
    "Identity": lambda x: x,
}
for _name, _function in _ARITHMETIC.items():
    folds(_name)(_elementwise(_function))

folds("Equal")(_elementwise(compare, "bool"))
folds("Less")(_elementwise(lambda x, y: _less(x, y), "bool"))
folds("Greater")(_elementwise(lambda x, y: _less(y, x), "bool"))
folds("LessOrEqual")(_elementwise(lambda x, y: _less(x, y + 1), "bool"))
folds("GreaterOrEqual")(_elementwise(lambda x, y: _less(y, x + 1), "bool"))
folds("And")(_elementwise(lambda x, y: bool(x and y), "bool"))
folds("Or")(_elementwise(lambda x, y: bool(x or y), "bool"))
folds("Not")(_elementwise(lambda x: not x, "bool"))


def _less(left: DimLike, right: DimLike) -> bool | None:
    """Whether `left < right` for all sizes; None where that is open."""
    if at_least(right, left + 1):
        return True
    return False if at_least(left, right) else None


@folds("Constant")
def _constant(r: GraphReader, node: OnnxNode) -> Ints | None:
    """Constants of every kind are kept as arrays; small integer ones are known."""
    if len(node.attributes) != 1:
        raise node.error(f"it must have one attribute, the constant; it has {', '.join(node.attributes) or 'none'}.")
    name, value = next(iter(node.attributes.items()))
    if name == "value":
        array = constant_array(value)
    elif name in ("value_int", "value_ints"):
        array = np.asarray(value, np.int64)
    elif name in ("value_float", "value_floats"):
        array = np.asarray(value, np.float32)
    else:
        raise node.error(f"constants given as {name} are not supported.")
    r.define_array(node.outputs[0], array)
    return r.known(node.outputs[0])


@folds("Shape")
def _shape(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = r.known(node.inputs[0])
    dims = known.values.shape if known is not None else r.shape(r.given(node, 0))
    return Ints.of(np.array([*dims], object)[slice(node.get("start", 0), node.get("end"))])


@folds("Size")
def _size(r: GraphReader, node: OnnxNode) -> Ints | None:
    return Ints.of(product(list(r.shape(r.given(node, 0)))))


@folds("Cast")
def _cast(r: GraphReader, node: OnnxNode) -> Ints | None:
    known, dtype = r.known(node.inputs[0]), DTYPE_OF_ELEMENT_TYPE.get(node.get("to"), "")
    if known is None or not (is_integer(dtype) or dtype == known.dtype):
        return None
    return known.map(lambda value: value if isinstance(value, Dim) else int(value), dtype=dtype)


@folds("Gather")
def _gather(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = _inputs(r, node)
    if known is None or not known[1].static:
        return None
    check_count(known[0].values.size, known[1].values.size)
    return Ints(
        np.asarray(known[0].values.take(known[1].values.astype(int), node.get("axis", 0)), object), known[0].dtype
    )


@folds("Concat")
def _concat(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = _inputs(r, node)
    if known is None:
        return None
    check_count(sum(ints.values.size for ints in known))
    return Ints(np.concatenate([ints.values for ints in known], node.get("axis")), known[0].dtype)


@folds("Slice")
def _slice(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = _inputs(r, node)
    if known is None or not all(ints.static for ints in known[1:]):
        return None
    data, starts, ends, *rest = known
    axes = rest[0].tuple() if rest and node.has(3) else tuple(range(len(starts.tuple())))
    steps = rest[-1].tuple() if node.has(4) else (1,) * len(axes)
    index: list[slice] = [slice(None)] * data.values.ndim
    for start, end, axis, step in zip(starts.tuple(), ends.tuple(), axes, steps, strict=True):
        # Far below 0 means "past the first element" for a negative step, as for Python None does.
        past = isinstance(end, int) and end < -data.values.shape[int(axis)]
        index[int(axis)] = slice(int(start), None if past and int(step) < 0 else int(end), int(step))
    return Ints(data.values[tuple(index)], data.dtype)


@folds("Squeeze", "Unsqueeze", "Reshape")
def _reshape(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = _inputs(r, node)
    if known is None or not all(ints.static for ints in known[1:]):
        return None
    data = known[0]
    if node.op == "Reshape":
        sizes = [data.values.shape[i] if size == 0 else size for i, size in enumerate(known[1].tuple())]
        return Ints(data.values.reshape([int(size) for size in sizes]), data.dtype)
    given = known[1].tuple() if len(known) > 1 else node.get("axes")
    if node.op == "Squeeze":
        axes = None if given is None else tuple(int(axis) for axis in given)
        return Ints(np.asarray(data.values.squeeze(axes), object), data.dtype)
    return Ints(np.expand_dims(data.values, tuple(int(axis) for axis in given)), data.dtype)


@folds("Split")
def _split(r: GraphReader, node: OnnxNode) -> list[Ints] | None:
    known = _inputs(r, node)
    if known is None or not all(ints.static for ints in known[1:]):
        return None
    data, count = known[0], len(node.outputs)
    cuts = np.cumsum(known[1].values.astype(int))[:-1] if len(known) > 1 else None
    axis = node.get("axis", 0)
    parts = np.split(data.values, cuts, axis) if cuts is not None else np.array_split(data.values, count, axis)
    return [Ints(part, data.dtype) for part in parts]


@folds("Range")
def _range(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = _inputs(r, node)
    if known is None or not all(ints.static for ints in known):
        return None
    start, limit, delta = (int(ints.values.item()) for ints in known)
    check_count(len(range(start, limit, delta)))
    return Ints.of(np.arange(start, limit, delta), known[0].dtype)


@folds("ConstantOfShape")
def _constant_of_shape(r: GraphReader, node: OnnxNode) -> Ints | None:
    shape, value = r.known(node.inputs[0]), node.get("value")
    array = np.zeros(1, np.float32) if value is None else constant_array(value)
    if shape is None or not shape.static or len(shape.tuple()) > 1 or not is_integer(array.dtype.name):
        return None
    check_count(*shape.tuple())
    return Ints.of(np.full([int(size) for size in shape.tuple()], array.item()), array.dtype.name)


@folds("Expand")
def _expand(r: GraphReader, node: OnnxNode) -> Ints | None:
    known = _inputs(r, node)
    if known is None or not known[1].static or known[0].values.ndim > 1:
        return None
    target = [int(size) for size in known[1].tuple()]
    check_count(*target)
    shape = np.broadcast_shapes(known[0].values.shape, tuple(target))
    return Ints(np.broadcast_to(known[0].values, shape), known[0].dtype)


@folds("Where")
def _where(r: GraphReader, node: OnnxNode) -> Ints | None:
    """With an unknown condition too, where both sides are the same shape (one of them may say -1)."""
    condition, left, right = (r.known(name) for name in node.inputs)
    if left is None or right is None:
        return None
    if condition is not None:
        return condition.map(lambda flag, x, y: x if flag else y, left, right, dtype=left.dtype)
    same = left.map(_agreed, right)
    return None if any(value is None for value in same.values.ravel()) else same


def _agreed(left: DimLike, right: DimLike) -> DimLike | None:
    if right == -1:
        return left
    return right if left == -1 or left == right else None


def _reduced(function: Callable[..., DimLike]) -> Callable[[GraphReader, OnnxNode], Ints | None]:
    def fold(r: GraphReader, node: OnnxNode) -> Ints | None:
        known = r.known(node.inputs[0])
        if known is None or known.values.ndim > 1 or not known.values.size:
            return None
        total = function(*known.tuple())
        return Ints.of([total] if node.get("keepdims", 1) and known.values.ndim else total, known.dtype)

    return fold


folds("ReduceProd")(_reduced(lambda *dims: product(list(dims))))
folds("ReduceSum")(_reduced(lambda *dims: sum(dims)))
folds("ReduceMax")(_reduced(_largest))
folds("ReduceMin")(_reduced(_smallest))
