"""Doing early what frees memory."""

from __future__ import annotations

from collections.abc import Sequence

import cornu.primitives  # noqa: F401  (registers them)
import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.interpret import evaluate
from cornu.ir.passes import early_ends
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu.ir.verify import verify


def f32(*shape: int) -> TensorType:
    return TensorType("float32", shape)


def backward(layers: int) -> Program:
    """Gradients of a chain of products, and a step along each: as a trace has it, all steps at the end."""
    b = Builder("backward")
    x = b.input(f32(2, 4), "x")
    weights = [b.input(f32(4, 4), f"w{i}") for i in range(layers)]
    gradients = []
    for weight in weights:
        gradients.append(b.MatMul(b.Transpose(x, perm=(1, 0)), x))
        x = b.MatMul(x, weight)
    return b.finish([*(b.Sub(w, b.Mul(g, 0.5)) for w, g in zip(weights, gradients, strict=True)), x])


def order(program: Program, wanted: Sequence[str]) -> list[str]:
    return [node.op for node in program.nodes if node.op in wanted]


def same(program: Program) -> Program:
    changed = early_ends(program)
    verify(changed)
    assert changed.inputs == program.inputs
    assert changed.outputs == program.outputs
    assert set(changed.nodes) == set(program.nodes)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=value.shape).astype("float32") for value in program.inputs]
    for left, right in zip(evaluate(changed, arrays), evaluate(program, arrays), strict=True):
        np.testing.assert_array_equal(left, right)
    return changed


def test_a_weight_is_updated_when_its_gradient_and_its_other_readers_are_done() -> None:
    before = backward(3)
    assert order(before, ["MatMul", "Sub"]) == ["MatMul"] * 6 + ["Sub"] * 3
    after = same(before)
    # gradient, product that still reads the old weight, step
    assert order(after, ["MatMul", "Sub"]) == ["MatMul", "MatMul", "Sub"] * 3


def test_no_more_than_one_gradient_lives_at_a_time() -> None:
    program = same(backward(8))
    last = {value: i for i, node in enumerate(program.nodes) for value in node.inputs}
    made = {value: i for i, node in enumerate(program.nodes) if node.op == "MatMul" for value in node.outputs}
    gradients = [value for value in made if value.shape == (4, 4)]
    for i in range(len(program.nodes)):
        assert sum(made[value] <= i < last[value] for value in gradients) <= 1


def test_what_waits_for_all_gradients_stays_at_the_end() -> None:
    b = Builder("clipped")
    w, x = b.input(f32(4, 4)), b.input(f32(4, 4))
    first, second = b.MatMul(x, w), b.MatMul(w, x)
    norm = b.ReduceSum(b.Add(b.Abs(first), b.Abs(second)), axes=(0, 1), keepdims=False)
    program = b.finish([b.Sub(w, b.Div(first, norm)), b.Sub(x, b.Div(second, norm))])
    assert order(same(program), ["ReduceSum", "Div", "Sub"]) == ["ReduceSum", "Div", "Sub", "Div", "Sub"]


def test_a_program_that_is_in_order_is_the_same_object() -> None:
    program = early_ends(backward(2))
    assert early_ends(program) is program
    b = Builder("product")
    product = b.finish([b.MatMul(b.input(f32(2, 2)), b.input(f32(2, 2)))])
    assert early_ends(product) is product
