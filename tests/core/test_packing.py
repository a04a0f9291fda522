"""Joining what is done to many small tensors alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cornu.primitives  # noqa: F401  (registers them)
import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes.packing import FEWEST, LARGEST, pack
from cornu.ir.program import Program, Value
from cornu.ir.types import Shape, TensorType
from cornu.ir.verify import verify
from counting import calls


def ops(program: Program) -> Counter[str]:
    return Counter(node.op for node in program.nodes)


def updated(b: Builder, weight: Value, gradient: Value, rate: Value) -> tuple[Value, Value]:
    """A moving average, and a step along it."""
    average = b.Add(b.Mul(gradient, 0.5), b.Mul(weight, 0.25))
    return average, b.Sub(weight, b.Div(b.Mul(average, rate), b.Add(b.Sqrt(b.Abs(gradient)), 1.0)))


def updates(shapes: Sequence[Shape]) -> Program:
    b = Builder("updates")
    rate = b.input(TensorType("float32", ()), "rate")
    pairs = [(b.input(TensorType("float32", s), "w"), b.input(TensorType("float32", s), "g")) for s in shapes]
    results = [updated(b, *pair, rate) for pair in pairs]
    return b.finish([value for pair in results for value in pair])


def check(program: Program) -> Program:
    """The packed program, which computes the same bits."""
    packed = pack(program)
    verify(packed)
    assert [value.type for value in packed.outputs] == [value.type for value in program.outputs]
    random = np.random.default_rng(0)
    arrays = [
        np.asarray(random.standard_normal([int(d) for d in v.shape]), np.float32).astype(v.dtype)  # type: ignore[arg-type]
        for v in program.inputs
    ]
    for have, want in zip(evaluate(packed, arrays), evaluate(program, arrays), strict=True):
        np.testing.assert_array_equal(have, want)
    return packed


def test_updates_of_many_weights_are_computed_once() -> None:
    shapes = [(8,), (3,), (1,), (16,), (5,)]
    packed = check(updates(shapes))
    found = ops(packed)
    assert (found["Concat"], found["Split"]) == (2, 2)
    assert {op: found[op] for op in ("Add", "Mul", "Sub", "Div", "Sqrt", "Abs")} == {
        "Add": 2,
        "Mul": 3,
        "Sub": 1,
        "Div": 1,
        "Sqrt": 1,
        "Abs": 1,
    }


def test_tensors_are_joined_along_their_first_axis_only() -> None:
    shapes = [(2, 4), (3, 4), (1, 4), (5, 4), (7,), (8,), (9,), (4,), (4, 3)]
    packed = check(updates(shapes))
    found = ops(packed)
    assert (found["Concat"], found["Split"], found["Sqrt"]) == (4, 4, 3)  # rows of 4, vectors, and one by itself


def test_few_and_large_ones_stay() -> None:
    for program in (
        updates([(4,)] * (FEWEST - 1)),
        updates([(LARGEST + 1,)] * (FEWEST + 1)),
        updates([()] * (FEWEST + 1)),
        updates([(2, i) for i in range(2, 9)]),
    ):
        assert pack(program) is program


def test_symbolic_sizes_stay() -> None:
    b = Builder("symbolic")
    inputs = [b.input(TensorType("float32", (symbol("n"),)), "x") for _ in range(6)]
    program = b.finish([b.Sqrt(b.Abs(x)) for x in inputs])
    assert pack(program) is program


def test_what_depends_on_another_lane_stays() -> None:
    b = Builder("chain")
    x = b.input(TensorType("float32", (4, 4)), "x")
    y = x
    for _ in range(6):
        y = b.MatMul(b.Mul(b.Add(y, 1.0), 0.5), x)
    program = b.finish([y])
    assert pack(program) is program


def test_lanes_that_depend_on_each_other_through_a_number_stay() -> None:
    b = Builder("norms")
    inputs = [b.input(TensorType("float32", (4,)), "x") for _ in range(6)]
    doubled = [b.Mul(x, 2.0) for x in inputs]
    norm = b.ReduceSum(doubled[0], axes=(0,), keepdims=False)
    program = b.finish([b.Div(b.Add(x, 1.0), norm) for x in doubled])
    check(program)


def test_of_two_groups_that_need_each_other_one_is_joined() -> None:
    b = Builder("crossed")
    inputs = [b.input(TensorType("float32", (4, 4)), "x") for _ in range(8)]

    def exponential(x: Value) -> Value:
        result: Value = b.Exp(b.Neg(b.Abs(x)))
        return result

    def root(x: Value) -> Value:
        result: Value = b.Sqrt(b.Abs(b.Abs(x)))
        return result

    results = [root(b.MatMul(exponential(x), x)) for x in inputs[:4]]
    results += [exponential(b.MatMul(root(x), x)) for x in inputs[4:]]
    found = ops(check(b.finish(results)))
    assert sorted([found["Exp"], found["Sqrt"]]) == [1, 8]


def test_many_groups_cost_in_proportion() -> None:
    def work(groups: int) -> int:
        program = updates([(3, width) for width in range(2, 2 + groups) for _ in range(FEWEST)])
        return calls(lambda: pack(program))

    assert work(32) < 5 * work(8)


def test_other_numbers_are_another_form() -> None:
    b = Builder("rates")
    rates = [b.input(TensorType("float32", ()), "rate") for _ in range(6)]
    inputs = [b.input(TensorType("float32", (4,)), "x") for _ in range(6)]
    program = b.finish([b.Add(b.Mul(x, rate), 1.0) for x, rate in zip(inputs, rates, strict=True)])
    assert pack(program) is program


def test_a_tensor_that_several_lanes_read() -> None:
    b = Builder("shared")
    shared = b.input(TensorType("float32", (4,)), "s")
    inputs = [b.input(TensorType("float32", (4,)), "x") for _ in range(6)]
    program = b.finish([b.Mul(b.Sub(b.Add(x, shared), 0.5), shared) for x in inputs])
    found = ops(check(program))
    assert (found["Concat"], found["Split"], found["Add"]) == (2, 1, 1)


def test_nodes_between_keep_their_order() -> None:
    b = Builder("between")
    inputs = [b.input(TensorType("float32", (4, 4)), "x") for _ in range(5)]
    results = []
    for x in inputs:
        product = b.MatMul(x, x)
        results.append(b.Sqrt(b.Abs(b.Mul(b.Add(product, x), 0.5))))
        results.append(b.ReduceSum(results[-1], axes=(0,), keepdims=False))
    found = ops(check(b.finish(results)))
    assert (found["MatMul"], found["ReduceSum"], found["Sqrt"], found["Split"]) == (5, 5, 1, 1)


def test_what_is_made_of_large_tensors_stays() -> None:
    """A sum over a large tensor runs where that was computed, while it is in the processor's caches."""
    b = Builder("sums")
    rows = LARGEST // 4 + 1
    inputs = [b.input(TensorType("float32", (rows, 4)), "x") for _ in range(6)]
    sums = [b.ReduceSum(x, axes=(0,), keepdims=False) for x in inputs]
    program = b.finish([b.Sqrt(b.Abs(b.Mul(x, 0.5))) for x in sums])
    assert pack(program) is program
