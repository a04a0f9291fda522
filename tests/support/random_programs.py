"""Small random programs, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.dim import symbol
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from hypothesis import strategies as st

_UNARY = ("Neg", "Abs", "Exp", "Sigmoid", "Tanh", "Relu", "Identity", "StopGradient", "Sin")
_BINARY = ("Add", "Sub", "Mul", "Max", "Min")
# fmt: off
_STEPS = (
    "unary", "binary", "scalar", "reshape", "transpose", "expand", "slice", "pad", "concat", "split", "reduce",
    "matmul", "where", "cast", "flatten", "again",
)
# fmt: on


@st.composite
def programs(draw: Any, differentiated: bool | None = None) -> Program:
    """A program of up to twelve steps on tensors [n, 2, 3], [2, 3], [3] and a scalar, and maybe its gradients."""
    b = Builder("random")
    n = symbol("n")
    inputs = [b.input(TensorType("float32", shape), f"x{i}") for i, shape in enumerate([(n, 2, 3), (2, 3), (3,), ()])]
    values = list(inputs)
    for _ in range(draw(st.integers(1, 12))):
        values += _step(draw, b, values, draw(st.sampled_from(_STEPS)))
    outputs = draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
    if draw(st.booleans()) if differentiated is None else differentiated:
        target = draw(st.sampled_from(values))
        found = backward(b, {target: b.full(b.resolve_type(target.type).shape, 1, "float32")}, inputs)
        outputs += [gradient for gradient in found if gradient is not None]
    return b.finish(outputs)


def _step(draw: Any, b: Builder, values: list[Value], kind: str) -> list[Value]:
    x: Value = draw(st.sampled_from(values))
    shape, rank = x.shape, x.type.rank
    axis = draw(st.integers(0, max(rank - 1, 0)))
    if kind == "unary":
        return [b.emit(draw(st.sampled_from(_UNARY)), (b.Mul(x, 0.5),), {})[0]]
    if kind == "binary":
        y = draw(st.sampled_from([v for v in values if _broadcasts(v, x)]))
        return [b.emit(draw(st.sampled_from(_BINARY)), draw(st.permutations([x, y])), {})[0]]
    if kind == "scalar":
        number = draw(st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.3]))
        return [b.emit(draw(st.sampled_from(_BINARY)), (x, b.constant(number, "float32")), {})[0]]
    if kind == "reshape":
        place = draw(st.integers(0, rank))
        return [b.Reshape(x, shape=(*shape[:place], 1, *shape[place:]))]
    if kind == "transpose":
        return [b.Transpose(x, perm=tuple(draw(st.permutations(range(rank)))))]
    if kind == "expand":
        wide = tuple(draw(st.integers(1, 3)) if dim == 1 else dim for dim in shape)
        return [b.Expand(x, shape=(2, *wide) if draw(st.booleans()) else wide)]
    if kind == "reduce":
        axes = tuple(sorted(draw(st.sets(st.integers(0, rank - 1))))) if rank else ()
        return [b.emit("ReduceSum", (x,), {"axes": axes, "keepdims": draw(st.booleans())})[0]]
    if kind == "where":
        return [b.Where(b.Greater(x, 0.1), x, b.Neg(x))]
    if kind == "cast":
        return [b.Cast(b.Cast(x, to=draw(st.sampled_from(["float64", "float32", "int32"]))), to="float32")]
    if kind == "matmul" and rank >= 2:
        swapped = b.Transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2))
        return [b.Mul(b.MatMul(x, swapped), 0.25)]
    if kind == "flatten" and rank >= 2:
        merged = shape[0] * shape[1]
        return [b.Reshape(x, shape=(merged, *shape[2:]))]
    if kind == "again":
        return [b.Add(b.Mul(x, 0.5), b.Mul(0.5 * np.ones((), np.float32), x))]
    return _along_axis(draw, b, x, axis, kind) if rank else [x]


def _along_axis(draw: Any, b: Builder, x: Value, axis: int, kind: str) -> list[Value]:
    size = x.shape[axis]
    if kind == "slice":
        start = draw(st.integers(0, 1)) if isinstance(size, int) else 0
        if draw(st.booleans()):
            return [b.Slice(x, starts=(size - 1,), ends=(-1,), axes=(axis,), steps=(-1,))]
        return [b.Slice(x, starts=(start,), ends=(size,), axes=(axis,), steps=(1,))]
    if kind == "pad":
        before, after = draw(st.tuples(st.integers(0, 1), st.integers(0, 2)))
        widths = [tuple(w if i == axis else 0 for i in range(x.type.rank)) for w in (before, after)]
        return [b.Pad(x, before=widths[0], after=widths[1], value=0.5, mode="constant")]
    if kind == "concat":
        return [b.Concat(x, b.Neg(x), axis=axis)]
    if kind == "split" and isinstance(size, int):
        return list(b.emit("Split", (x,), {"axis": axis, "sizes": (1, size - 1) if size else (0,)}))
    return [x]


def _broadcasts(y: Value, x: Value) -> bool:
    """True where the two shapes broadcast whatever `n` is."""
    return all(a in (1, c) or c == 1 for a, c in zip(reversed(y.shape), reversed(x.shape), strict=False))
