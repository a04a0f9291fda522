"""The programs of level graphs with branches, loops and composites."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.program import Value
from cornu.ir.types import TensorType

from cornu_conformance.graph import Graph, body, f32

N, M = symbol("n"), symbol("m")
BOOL = TensorType("bool", ())
I64 = TensorType("int64", ())
Arrays = Sequence[np.ndarray]


def nested_if(b: Builder, outer: Value, inner: Value, x: Value, y: Value) -> list[Value]:
    """Branches in a branch; what they read comes from outside."""
    types = [f32(N, 2), f32(2)]
    inside = {
        "then": body("add", types, lambda b, x, y: [b.Add(x, y), x]),
        "otherwise": body("multiply", types, lambda b, x, y: [b.Mul(x, y), b.Neg(x)]),
    }
    both = [BOOL, *types]
    branches = {
        "then": body("inner", both, lambda b, c, x, y: b.emit("If", (c, x, y), inside)),
        "otherwise": body("keep", both, lambda b, c, x, y: [x, b.Exp(x)]),
    }
    return list(b.emit("If", (outer, inner, x, y), branches))


def nested_if_formula(outer: np.ndarray, inner: np.ndarray, x: np.ndarray, y: np.ndarray) -> Arrays:
    if not outer:
        return [x, np.exp(x)]
    return [x + y, x] if inner else [x * y, -x]


def recurrent(b: Builder, h: Value, xs: Value, w: Value) -> list[Value]:
    """`h = tanh(h w + x)`; also what it was before each step, and the number of steps."""
    types = [f32(N, 3), I64, f32(N, 3), f32(3, 3)]
    once = body("step", types, lambda b, h, k, x, w: [b.Tanh(b.Add(b.MatMul(h, w), x)), b.Add(k, 1), b.Identity(h)])
    attributes = {"body": once, "carries": 2, "sequences": 1, "length": M, "reverse": False}
    return list(b.emit("Scan", (h, b.constant(0, "int64"), xs, w), attributes))


def recurrent_formula(h: np.ndarray, xs: np.ndarray, w: np.ndarray) -> Arrays:
    before = []
    for x in xs:
        before.append(h)
        h = np.tanh(h @ w + x)
    return [h, np.array(len(xs)), np.array(before).reshape(xs.shape)]


def sums_of_sums(b: Builder, x: Value) -> list[Value]:
    """A loop over rows with a loop over each row: running sums that go on from row to row."""
    add = body("add", [f32(), f32()], lambda b, s, x: [b.Add(s, x), b.Add(s, x)])
    inner = {"body": add, "carries": 1, "sequences": 1, "length": M, "reverse": False}
    row = body("row", [f32(), f32(M)], lambda b, s, xs: b.emit("Scan", (s, xs), inner))
    outer = {"body": row, "carries": 1, "sequences": 1, "length": N, "reverse": False}
    return list(b.emit("Scan", (b.constant(0.0, "float32"), x), outer))


def sums_of_sums_formula(x: np.ndarray) -> Arrays:
    sums = np.cumsum(x.ravel()).reshape(x.shape)
    return [x.sum(), sums]


def branch_in_loop(b: Builder, s: Value, xs: Value, w: Value) -> list[Value]:
    """Adds what is positive and halves where it is not; `w` is read in the branch in the loop."""
    branches = {
        "then": body("add", [f32(), f32(), f32()], lambda b, s, x, w: b.Add(s, b.Mul(x, w))),
        "otherwise": body("halve", [f32(), f32(), f32()], lambda b, s, x, w: b.Mul(s, 0.5)),
    }

    def once(b: Builder, s: Value, x: Value, w: Value) -> list[Value]:
        (following,) = b.emit("If", (b.Greater(x, 0.0), s, x, w), branches)
        return [following, following]

    step = body("step", [f32(), f32(), f32()], once)
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": N, "reverse": True}
    return list(b.emit("Scan", (s, xs, w), attributes))


def branch_in_loop_formula(s: np.ndarray, xs: np.ndarray, w: np.ndarray) -> Arrays:
    states = []
    for x in xs[::-1]:
        s = s + x * w if x > 0 else s * 0.5
        states.append(s)
    return [s, np.array(states[::-1]).reshape(xs.shape)]


def doubling(b: Builder, x: Value, limit: Value) -> list[Value]:
    """Doubles until the sum of magnitudes reaches a limit that is read from outside; maybe never."""
    types = [f32(N), I64, f32()]
    small = body("small", types, lambda b, x, k, limit: b.Less(b.ReduceSum(b.Abs(x), axes=(0,), keepdims=False), limit))
    twice = body("twice", types, lambda b, x, k, limit: [b.Mul(x, 2.0), b.Add(k, 1)])
    # Of no elements the sum stays 0: counted steps end that.
    both = body("both", types, lambda b, x, k, limit: b.And(b.inline(small, [x, k, limit])[0], b.Less(k, 9)))
    attributes = {"condition": both, "body": twice, "carries": 2}
    return list(b.emit("While", (x, b.constant(0, "int64"), limit), attributes))


def doubling_formula(x: np.ndarray, limit: np.ndarray) -> Arrays:
    steps = 0
    while abs(x).sum() < limit and steps < 9:
        x, steps = x * 2, steps + 1
    return [x, np.array(steps)]


def composites(b: Builder, x: Value, y: Value) -> list[Value]:
    """A composite of composites, one of which has a result that only gradients read."""
    square = body("square", [f32(N, 2)], lambda b, x: [b.Mul(x, x), x])
    rule = body("square_rule", [f32(N, 2), f32(N, 2), f32(N, 2)], lambda b, saved, x, g: [b.Mul(b.Mul(saved, g), 2.0)])
    inner = {"name": "ConformanceSquare", "body": square, "vjp": rule, "primals": 1}

    def outer(b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.Add(b.emit("Call", (x,), inner)[0], y)
        return result

    both = body("square_and_add", [f32(N, 2), f32(2)], outer)
    (result,) = b.emit("Call", (x, y), {"name": "ConformanceSquareAndAdd", "body": both})
    return [result, b.emit("Call", (result,), inner)[0]]


def composites_formula(x: np.ndarray, y: np.ndarray) -> Arrays:
    result = x * x + y
    return [result, result * result]


STEPS = ({"n": 2, "m": 3}, {"n": 1, "m": 1}, {"n": 2, "m": 0}, {"n": 0, "m": 2}, {"n": 3, "m": 7}, {"n": 2, "m": 3})
LOOPS: list[Graph] = [
    Graph("if_in_if", [BOOL, BOOL, f32(N, 2), f32(2)], nested_if, nested_if_formula, differentiable=True),
    Graph(
        "if_not",
        [f32(N, 2), f32(2)],
        lambda b, x, y: nested_if(b, b.constant(np.array(False)), b.constant(np.array(True)), x, y),
        lambda x, y: [x, np.exp(x)],
    ),
    Graph("scan", [f32(N, 3), f32(M, N, 3), f32(3, 3)], recurrent, recurrent_formula, STEPS, True),
    Graph("scan_in_scan", [f32(N, M)], sums_of_sums, sums_of_sums_formula, STEPS, True),
    Graph("if_in_scan", [f32(), f32(N), f32()], branch_in_loop, branch_in_loop_formula, STEPS, True),
    Graph("while", [f32(N), f32()], doubling, doubling_formula, low=0.0),
    Graph("composites", [f32(N, 2), f32(2)], composites, composites_formula, differentiable=True),
]
