"""A named composite: its body, and its own gradient rule where it has one"""

from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.program import Program
from cornu.ir.types import TensorType

from cornu_conformance.case import ALL_FLOATS, Case, draw, whole

N = symbol("n")


def body(dtype: str, residual: bool = False) -> Program:
    """`x * x + y`, and as a residual `x * x`."""
    b = Builder("square_and_add")
    x, y = (b.input(TensorType(dtype, (N, 2)), name) for name in "xy")
    square = b.Mul(x, x)
    return b.finish([b.Add(square, y), square] if residual else [b.Add(square, y)])


def seven_times(dtype: str) -> Program:
    """A gradient rule that can be told from the body's own: the residual plus seven times the cotangent, and 0."""
    b = Builder("square_and_add_grad")
    residual, _, _, g = (b.input(TensorType(dtype, (N, 2)), name) for name in ("residual", "x", "y", "g"))
    return b.finish([b.Add(residual, b.Mul(g, 7.0)), b.zeros(g.type)])


def with_rule(dtype: str) -> dict[str, Any]:
    return {"name": "SquareAndAdd", "body": body(dtype, True), "vjp": seven_times(dtype), "primals": 1}


X, Y = draw(3, 2, seed=1), draw(3, 2, seed=2)
CASES = [
    Case(
        "body",
        [X, Y],
        lambda x, y: x * x + y,
        lambda dtype: {"name": "SquareAndAdd", "body": body(dtype)},
        ["n _", "n _"],
        ALL_FLOATS,
    ),
    Case("own_rule", [X, Y], lambda x, y: (x * x + y, x * x), with_rule, ["n _", "n _"], orders=0),
    Case(
        "integers",
        [whole(3, 2), whole(3, 2, seed=1)],
        lambda x, y: x * x + y,
        lambda dtype: {"name": "SquareAndAdd", "body": body(dtype)},
        ["n _", "n _"],
        ("int32", "int64"),
        orders=0,
    ),
    Case(
        "empty",
        [np.zeros((0, 2)), np.zeros((0, 2))],
        [np.zeros((0, 2))],
        lambda dtype: {"name": "SquareAndAdd", "body": body(dtype)},
        ["n _", "n _"],
    ),
]
