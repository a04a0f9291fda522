"""Loops: whatever a body does with its operands, and in whatever way it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cornu.backend.contract import CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu_openvino.loops import ScanStep
from running import BACKEND, check, program_for, run

BODIES: dict[str, Any] = {
    "plain": lambda b, h, g, x, w: [b.Add(h, x), b.Mul(g, w), b.Mul(h, 2.0)],
    "carried is returned": lambda b, h, g, x, w: [n := b.Add(b.Mul(x, h), w), b.Mul(g, x), n, n],
    "states are returned": lambda b, h, g, x, w: [b.Add(h, x), b.Mul(g, x), h, g],
    "element is returned": lambda b, h, g, x, w: [b.Add(h, x), b.Mul(g, w), x, x],
    "element is carried": lambda b, h, g, x, w: [x, b.Mul(g, x), b.Mul(h, 2.0)],
    "exchanged": lambda b, h, g, x, w: [g, h, b.Mul(h, x)],
    "shifted": lambda b, h, g, x, w: [b.Add(h, x), h, b.Mul(g, w)],
    "kept": lambda b, h, g, x, w: [b.Add(h, x), g, b.Mul(g, w)],
    "carried twice": lambda b, h, g, x, w: [n := b.Add(h, x), n, b.Mul(g, 2.0)],
    "constants": lambda b, h, g, x, w: [b.Add(h, x), b.constant(np.ones(3, "f4")), b.constant(np.ones(3, "f4")), w],
    "nothing computed": lambda b, h, g, x, w: [h, g, x],
    "on the host": lambda b, h, g, x, w: [b.Add(h, b.Mod(x, w)), g, b.Mul(h, x)],
}


def scan(make: Any, reverse: bool, length: int) -> Any:
    """A Scan with two carries, one sequence and one constant."""
    inside = Builder("step")
    body = inside.finish(make(inside, *[inside.input(TensorType("float32", (3,))) for _ in range(4)]))
    attributes = {"body": body, "carries": 2, "sequences": 1, "length": length, "reverse": reverse}
    return lambda b, *operands: b.emit("Scan", operands, attributes)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("length", [1, 4])
def test_bodies(name: str, length: int) -> None:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in ((3,), (3,), (length, 3), (3,))]
    for reverse in (False, True):
        check(scan(BODIES[name], reverse, length), *arrays, tolerance=1e-5)


def test_what_is_not_contiguous() -> None:
    def make(b: Builder, h: Any, xs: Any, w: Any) -> Any:
        turned = b.Transpose(b.Cast(b.Cast(xs, to="int64"), to="float32"), perm=(1, 0))
        return scan(BODIES["plain"], False, 4)(b, b.Expand(h, shape=(3,)), w, turned, w)

    h, w = np.ones(1, np.float32), np.arange(3, dtype=np.float32)
    for _ in range(3):
        check(make, h, np.arange(12, dtype=np.float32).reshape(3, 4), w)


def test_a_body_is_compiled_once_and_driven_directly() -> None:
    arrays = [np.ones(shape, np.float32) for shape in ((3,), (3,), (4, 3), (3,))]
    executable = BACKEND.compile(program_for(scan(BODIES["plain"], False, 4), arrays), CompileOptions())
    executable([BACKEND.from_numpy(array, "") for array in arrays])
    (plan,) = executable._plans.values()  # type: ignore[attr-defined]
    assert [type(step) for step in plan._steps] == [ScanStep]


def branch(factor: float) -> Program:
    b = Builder("branch")
    return b.finish([b.Mul(b.input(TensorType("float32", (3,))), factor)])


@pytest.mark.parametrize("condition", [True, False])
def test_branches(condition: bool) -> None:
    def make(b: Builder, c: Any, x: Any) -> Any:
        return b.emit("If", (c, x), {"then": branch(2.0), "otherwise": branch(3.0)})

    check(make, np.array(condition), np.arange(3, dtype=np.float32))


def test_while() -> None:
    going, doubled = Builder("going"), Builder("doubled")
    x = going.input(TensorType("float32", ()))
    condition = going.finish([going.Less(x, 100.0)])
    body = doubled.finish([doubled.Mul(doubled.input(TensorType("float32", ())), 2.0)])
    attributes = {"condition": condition, "body": body, "carries": 1}
    made = program_for(lambda b, x: b.emit("While", (x,), attributes), [np.float32(3)])
    assert run(made, [np.array(3, np.float32)])[0] == 192
