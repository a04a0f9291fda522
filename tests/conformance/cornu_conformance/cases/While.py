"""Steps repeated while a condition on the carried values holds"""

from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.types import TensorType

from cornu_conformance.case import Case, draw

N = symbol("n")


def doubling(dtype: str) -> dict[str, Any]:
    """`x = 2 x, i = i + 1` while `i < limit`."""
    types = (TensorType(dtype, (N, 2)), TensorType("int64", ()), TensorType("int64", ()))
    c, b = Builder("condition"), Builder("step")
    _, i, limit = (c.input(type) for type in types)
    x, j, _ = (b.input(type) for type in types)
    return {"condition": c.finish([c.Less(i, limit)]), "body": b.finish([b.Mul(x, 2.0), b.Add(j, 1)]), "carries": 2}


def repeated(x: np.ndarray, i: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x * 2.0 ** max(0, int(limit) - int(i)), np.maximum(i, limit)


def case(name: str, limit: int, x: np.ndarray) -> Case:
    return Case(name, [x, np.array(0), np.array(limit)], repeated, doubling, ["n _"], orders=0)


def adding(dtype: str) -> dict[str, Any]:
    """`x, y = y, x + y` while `x < 20`: each carry has its place."""
    type = TensorType(dtype, ())
    c, b = Builder("condition"), Builder("step")
    x, _ = c.input(type), c.input(type)
    y, z = b.input(type), b.input(type)
    return {"condition": c.finish([c.Less(x, 20.0)]), "body": b.finish([z, b.Add(y, z)]), "carries": 2}


CASES = [
    Case("two_carries", [1.0, 2.0], [21.0, 34.0], adding, orders=0),
    case("three_times", 3, draw(2, 2)),
    case("once", 1, draw(2, 2)),
    case("never", 0, draw(2, 2)),
    case("empty", 2, np.zeros((0, 2))),
]
