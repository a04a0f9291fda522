"""Transposes that can meet do, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.dim import symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes import cancel_transposes, inline, optimise
from cornu.ir.passes.layout import transposed_elements
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu.ir.verify import verify
from programs import assert_same, channels_last_conv, cnn, count, draw, f32

pytestmark = pytest.mark.usefixtures("passes_on")
N = symbol("n")
FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)
IMAGE = (f32(N, 3, 4, 5),)

# Each takes a channels-last image [n, 4, 5, 3] to another.
BETWEEN: list[tuple[str, Callable[[Builder, Value], Value], tuple[TensorType, ...]]] = [
    ("unary", lambda b, x: b.Tanh(x), IMAGE),
    ("cast", lambda b, x: b.Cast(b.Cast(x, to="int32"), to="float32"), IMAGE),
    ("both operands", lambda b, x: b.Mul(x, b.Exp(x)), IMAGE),
    ("choice", lambda b, x: b.Where(b.Greater(x, 0), x, b.constant(0.0, "float32")), IMAGE),
    ("pad", lambda b, x: b.Pad(x, before=(0, 1, 0, 2), after=(0, 0, 3, 0), value=1.0, mode="constant"), IMAGE),
    ("slice", lambda b, x: b.Slice(x, starts=(1, 2), ends=(3, 0), axes=(1, 2), steps=(1, -1)), IMAGE),
    ("concat", lambda b, x: b.Concat(x, b.Neg(x), axis=3), IMAGE),
    ("split", lambda b, x: b.Mul(*b.emit("Split", (x,), {"axis": 2, "sizes": (4, 1)})), IMAGE),
    ("reduction", lambda b, x: b.Sub(x, b.ReduceMean(x, axes=(1, 2), keepdims=True)), IMAGE),
    ("reduction of one axis", lambda b, x: b.Sub(x, b.ReduceMean(x, axes=(2,), keepdims=True)), IMAGE),
    ("spread", lambda b, x: b.Expand(b.ReduceMean(x, axes=(2,), keepdims=True), shape=(N, 4, 7, 3)), IMAGE),
]


@pytest.mark.parametrize(("between", "types"), [case[1:] for case in BETWEEN], ids=[case[0] for case in BETWEEN])
def test_nothing_is_left_between_two_that_cancel(
    between: Callable[[Builder, Value], Value], types: tuple[TensorType, ...]
) -> None:
    b = Builder("test")
    (x,) = [b.input(type) for type in types]
    before = b.finish([b.Transpose(between(b, b.Transpose(x, perm=LAST)), perm=FIRST)])
    after = optimise(before)
    verify(after)
    assert count(after, "Transpose") == 0
    for n in (0, 1, 3):
        arrays = draw(before, {"n": n})
        assert_same(evaluate(before, arrays), evaluate(after, arrays))


def test_an_element_repeated_along_an_axis_in_between_is_turned_once() -> None:
    b = Builder("test")
    before = b.finish([b.Transpose(b.Expand(b.input(f32(N, 4, 1, 3)), shape=(N, 4, 5, 3)), perm=FIRST)])
    after = optimise(before)
    verify(after)
    assert [node.op for node in after.nodes] == ["Transpose", "Expand"]
    arrays = draw(before, {"n": 2})
    assert_same(evaluate(before, arrays), evaluate(after, arrays))


@pytest.mark.parametrize("shape", [(), (3,), (1, 1, 3), (1, 4, 1, 1), (4, 5, 1), (1, 4, 5, 3)])
def test_smaller_operands_are_turned_instead(shape: tuple[int, ...]) -> None:
    b = Builder("test")
    x, small = b.input(f32(N, 3, 4, 5)), b.input(f32(*shape))
    before = b.finish([b.Transpose(b.Add(b.Transpose(x, perm=LAST), small), perm=FIRST)])
    after = optimise(before)
    # Only an operand with the channels behind other axes has to be moved, and it is small.
    assert count(after, "Transpose") == (1 if shape == (1, 4, 5, 3) else 0)
    arrays = draw(before, {"n": 2})
    assert_same(evaluate(before, arrays), evaluate(after, arrays))


def test_two_operands_that_both_broadcast_come_to_rest() -> None:
    b = Builder("test")
    x, y = b.input(f32(1, 2, 3, 4)), b.input(f32(5, 3, 2, 1))
    before = b.finish([b.Mul(b.Transpose(x, perm=(0, 2, 1, 3)), y)])
    assert count(optimise(before), "Transpose") == 1


def test_a_move_that_gains_nothing_is_not_made() -> None:
    b = Builder("test")
    x = b.input(f32(N, 3, 4, 5))
    turned = b.Transpose(x, perm=LAST)
    before = b.finish([b.Exp(turned), b.Neg(turned)])
    assert cancel_transposes(before) is before


def test_sums_over_turned_axes() -> None:
    for keepdims in (False, True):
        b = Builder("test")
        x = b.input(f32(N, 3, 4, 5))
        before = b.finish([b.ReduceMax(b.Transpose(x, perm=LAST), axes=(1, 3), keepdims=keepdims)])
        after = cancel_transposes(before)
        assert transposed_elements(after) < transposed_elements(before)
        arrays = draw(before, {"n": 2})
        assert_same(evaluate(before, arrays), evaluate(after, arrays))


def large(program: Program) -> int:
    """Transposes of images: of four axes with the batch in front."""
    return sum(
        node.op == "Transpose" and node.inputs[0].type.rank == 4 and node.inputs[0].shape[0] == N
        for node in program.walk()
    )


def test_channels_last_cnn_predicts_with_one_transpose_before_its_dense_layer() -> None:
    before = cnn(train=False)
    after = optimise(before)
    assert (large(before), large(after)) == (8, 1)
    arrays = draw(before, {"n": 2})
    assert_same(evaluate(before, arrays), evaluate(after, arrays))


def test_channels_last_cnn_trains_with_two_around_its_dense_layer() -> None:
    before = inline(cnn(train=True), lambda node: False)
    after = optimise(before)
    images = [
        node
        for node in after.nodes
        if node.op == "Transpose" and node.inputs[0].type.rank == 4 and node.attributes["perm"] in (FIRST, LAST)
    ]
    assert len(images) == 2
    for n in (1, 3):
        arrays = draw(before, {"n": n})
        assert_same(evaluate(before, arrays), evaluate(after, arrays))


def test_residual_blocks_with_normalization_keep_only_the_first_and_last() -> None:
    b = Builder("resnet")
    weights: list[Value] = []
    x = b.input(f32(N, 6, 6, 4), "x")
    h = channels_last_conv(b, x, 4, 1, weights)
    for _ in range(2):
        y = channels_last_conv(b, b.Relu(normalized(b, h, weights)), 4, 1, weights)
        h = b.Add(h, y)
    pooled = b.ReduceMean(h, axes=(1, 2), keepdims=False)
    loss = b.ReduceMean(b.Mul(pooled, pooled), axes=(0, 1), keepdims=False)
    gradients = backward(b, {loss: b.constant(1.0, "float32")}, weights)
    before = inline(b.finish([loss, *[g for g in gradients if g is not None]]), lambda node: False)
    after = optimise(before)
    assert large(before) == 14
    # The input's, for the first convolution. What is left of rank 4 besides are columns for weight gradients.
    assert [node.attributes["perm"] for node in after.nodes if node.op == "Transpose" and node.inputs[0] is x] == [
        FIRST
    ]
    assert sum(node.op == "Transpose" and node.attributes["perm"] in (FIRST, LAST) for node in after.nodes) == 1
    arrays = draw(before, {"n": 3})
    assert_same(evaluate(before, arrays), evaluate(after, arrays), 2e-4)


def normalized(b: Builder, x: Value, weights: list[Value]) -> Value:
    """Batch normalization over the last axis, with the batch's own moments."""
    channels = x.shape[-1]
    weights += [b.input(f32(channels), "gamma"), b.input(f32(channels), "beta")]
    mean = b.ReduceMean(x, axes=(0, 1, 2), keepdims=True)
    centred = b.Sub(x, mean)
    variance = b.ReduceMean(b.Mul(centred, centred), axes=(0, 1, 2), keepdims=True)
    scale = b.Div(b.Reshape(weights[-2], shape=(1, 1, 1, channels)), b.Sqrt(b.Add(variance, 1e-3)))
    result: Value = b.Add(b.Mul(centred, scale), b.Reshape(weights[-1], shape=(1, 1, 1, channels)))
    return result


def test_an_operand_that_is_read_twice_is_turned_once() -> None:
    """A dropout's mask, drawn channels-last between channels-first operators, forward and backward."""
    b = Builder("test")
    x, mask, g = b.input(f32(N, 3, 4, 5)), b.input(f32(N, 4, 5, 3)), b.input(f32(N, 3, 4, 5))
    results = [b.Transpose(b.Mul(b.Transpose(value, perm=LAST), mask), perm=FIRST) for value in (x, g)]
    before = b.finish(results)
    after = optimise(before)
    verify(after)
    assert count(after, "Transpose") == 1
    arrays = draw(before, {"n": 2})
    assert_same(evaluate(before, arrays), evaluate(after, arrays))
