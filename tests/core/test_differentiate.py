"""Differentiation of whole programs, control structures and composites included, against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
import pytest
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward, vjp_program
from cornu.ir.dim import DimLike, ceil_div, symbol
from cornu.ir.interpret import evaluate
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu.ir.verify import verify
from cornu_conformance.differences import check_derivative

N, T = symbol("n"), symbol("t")


def floats(*shape: DimLike) -> TensorType:
    return TensorType("float64", shape)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def traced(name: str, types: list[TensorType], record: Callable[..., object]) -> Program:
    b = Builder(name)
    outputs = record(b, *[b.input(type) for type in types])
    return b.finish(outputs if isinstance(outputs, (list, tuple)) else [outputs])  # type: ignore[list-item]


# -- straight programs ---------------------------------------------------------------------------------------------


def mlp(b: Builder, x: Value, w1: Value, b1: Value, w2: Value) -> Value:
    hidden = b.Softplus(b.Add(b.MatMul(x, w1), b1))
    return b.ReduceMean(b.Mul(*[b.MatMul(hidden, w2)] * 2), axes=(0, 1), keepdims=False)  # type: ignore[no-any-return]


def test_first_and_second_derivatives_of_an_mlp() -> None:
    types = [floats(N, 3), floats(3, 4), floats(4), floats(4, 2)]
    program = traced("mlp", types, mlp)
    check_derivative(program, [normal(5, 3), normal(3, 4, seed=1), normal(4, seed=2), normal(4, 2, seed=3)], orders=2)


def test_gradient_penalty() -> None:
    """The derivative of a function of a derivative: `sum(d loss / d w)^2` by every weight."""

    def penalty(b: Builder, x: Value, w1: Value, b1: Value, w2: Value) -> Value:
        loss = mlp(b, x, w1, b1, w2)
        found = backward(b, {loss: b.constant(1.0, "float64")}, [w1])[0]
        return b.ReduceSum(b.Mul(found, found), axes=(0, 1), keepdims=False)  # type: ignore[no-any-return]

    program = traced("penalty", [floats(N, 3), floats(3, 4), floats(4), floats(4, 2)], penalty)
    check_derivative(program, [normal(5, 3), normal(3, 4, seed=1), normal(4, seed=2), normal(4, 2, seed=3)])


def test_contributions_of_every_use_are_added() -> None:
    program = traced("uses", [floats(2)], lambda b, x: [b.Mul(x, x), x, x])
    rule = vjp_program(program, [True])
    (found,) = evaluate(rule, [np.array([3.0, 4.0]), np.ones(2), np.full(2, 10.0), np.full(2, 100.0)])
    assert found.tolist() == [116.0, 118.0]


def test_inputs_that_nothing_depends_on_get_zeros() -> None:
    program = traced("unused", [floats(2), floats(N, 3)], lambda b, x, y: b.Neg(x))
    first, second = evaluate(vjp_program(program, [True, True]), [np.ones(2), np.ones((4, 3)), np.ones(2)])
    assert first.tolist() == [-1.0, -1.0]
    assert second.tolist() == np.zeros((4, 3)).tolist()


def test_backward_tells_what_does_not_depend() -> None:
    b = Builder()
    x, y = b.input(floats(2)), b.input(floats(2))
    z = b.Mul(x, 2.0)
    found = backward(b, {z: b.full((2,), 1.0, "float64")}, [x, y, z])
    assert found[0] is not None
    assert found[1] is None
    assert found[2] is not None


def test_stopped_and_integer_paths_carry_nothing() -> None:
    def record(b: Builder, x: Value) -> Value:
        through_integers = b.Cast(b.Cast(x, to="int32"), to="float64")
        return b.Add(b.Mul(x, b.StopGradient(x)), through_integers)  # type: ignore[no-any-return]

    rule = vjp_program(traced("stopped", [floats(2)], record), [True])
    assert evaluate(rule, [np.array([2.0, 3.0]), np.ones(2)])[0].tolist() == [2.0, 3.0]


@pytest.mark.parametrize("sizes", [(16, 16), (20, 17), (21, 21)])
def test_strided_same_convolution_and_pooling_of_unknown_size(sizes: tuple[int, int]) -> None:
    """One program for every image size: padded so that each axis gives `ceil(size / 2)` elements."""
    height, width = symbol("h"), symbol("w")

    def same(b: Builder, x: Value, window: int, value: float) -> Value:
        before, after = [], []
        for size in x.shape[2:]:
            total = (ceil_div(size, 2) - 1) * 2 + window - size
            before.append(total // 2)
            after.append(total - total // 2)
        return b.Pad(x, before=(0, 0, *before), after=(0, 0, *after), value=value, mode="constant")  # type: ignore[no-any-return]

    def record(b: Builder, x: Value, w: Value) -> Value:
        y = b.Conv(same(b, x, 3, 0.0), w, strides=(2, 2), dilations=(1, 1), group=1)
        return b.MaxPool(same(b, y, 2, -np.inf), kernel_shape=(2, 2), strides=(2, 2), dilations=(1, 1))  # type: ignore[no-any-return]

    program = traced("same", [floats(N, 2, height, width), floats(3, 2, 3, 3)], record)
    x, w = normal(1, 2, *sizes), normal(3, 2, 3, 3, seed=1)
    assert evaluate(program, [x, w])[0].shape == (1, 3, *(-(-size // 4) for size in sizes))
    check_derivative(program, [x, w])


# -- control structures --------------------------------------------------------------------------------------------


def scan_body() -> Program:
    """`state = tanh(state * w + x)` with an integer counter beside it; gives `state * x`."""
    b = Builder("step")
    state, count = b.input(floats(N, 2)), b.input(TensorType("int64", ()))
    x, kind = b.input(floats(N, 2)), b.input(TensorType("int64", ()))
    w = b.input(floats(2))
    scaled = b.Mul(b.Cast(b.Add(count, kind), to="float64"), 0.125)
    following = b.Tanh(b.Add(b.Add(b.Mul(state, w), x), scaled))
    return b.finish([following, b.Add(count, 1), b.Mul(following, x), b.Identity(count)])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 4])
def test_scan_with_integers_among_carries_and_sequences(reverse: bool, length: int) -> None:
    attributes = {"body": scan_body(), "carries": 2, "sequences": 2, "length": T, "reverse": reverse}

    def record(b: Builder, state: Value, count: Value, xs: Value, kinds: Value, w: Value) -> tuple[Value, ...]:
        return b.emit("Scan", (state, count, xs, kinds, w), attributes)

    integers = [TensorType("int64", ()), TensorType("int64", (T,))]
    types = [floats(N, 2), integers[0], floats(T, N, 2), integers[1], floats(2)]
    operands = [normal(3, 2), np.array(2), normal(length, 3, 2, seed=1), np.arange(length), normal(2, seed=2)]
    check_derivative(traced("scan", types, record), operands, orders=2)


def test_scan_within_scan_with_a_branch_inside() -> None:
    then = traced("then", [floats(2)], lambda b, s: b.Mul(s, s))
    otherwise = traced("otherwise", [floats(2)], lambda b, s: b.Sin(s))
    innermost = Builder("inner")
    s, x = innermost.input(floats(2)), innermost.input(floats(2))
    positive = innermost.Greater(innermost.ReduceSum(x, axes=(0,), keepdims=False), 0.0)
    chosen = innermost.emit("If", (positive, s), {"then": then, "otherwise": otherwise})[0]
    inner = innermost.finish([innermost.Add(innermost.Mul(chosen, 0.5), x)])

    middle = Builder("outer")
    state, rows = middle.input(floats(2)), middle.input(floats(3, 2))
    final = middle.emit(
        "Scan", (state, rows), {"body": inner, "carries": 1, "sequences": 1, "length": 3, "reverse": False}
    )[0]
    outer = middle.finish([final, middle.Mul(final, final)])

    def record(b: Builder, state: Value, xs: Value) -> tuple[Value, ...]:
        attributes = {"body": outer, "carries": 1, "sequences": 1, "length": T, "reverse": False}
        return b.emit("Scan", (state, xs), attributes)

    check_derivative(
        traced("nested", [floats(2), floats(T, 3, 2)], record), [normal(2), normal(2, 3, 2, seed=1)], orders=2
    )


def test_while_is_refused_where_a_derivative_passes_through_it() -> None:
    counter = TensorType("int64", ())
    condition = traced("condition", [floats(2), counter], lambda b, x, i: b.Less(i, 3))
    body = traced("body", [floats(2), counter], lambda b, x, i: [b.Mul(x, 2.0), b.Add(i, 1)])
    attributes = {"condition": condition, "body": body, "carries": 2}

    def loop(b: Builder, x: Value, i: Value) -> Value:
        return b.emit("While", (x, i), attributes)[0]

    program = traced("loop", [floats(2), counter], loop)
    with pytest.raises(ValueError, match="while loop of unknown length"):
        vjp_program(program, [True, False])

    def beside(b: Builder, x: Value, y: Value, i: Value) -> Value:
        return b.Mul(x, loop(b, b.StopGradient(y), i))  # type: ignore[no-any-return]

    rule = vjp_program(traced("beside", [floats(2), floats(2), counter], beside), [True, False, False])
    assert evaluate(rule, [np.ones(2), np.ones(2), np.array(0), np.ones(2)])[0].tolist() == [8.0, 8.0]


def test_barriers_let_cotangents_through() -> None:
    def record(b: Builder, x: Value, y: Value) -> Value:
        return b.Mul(b.Barrier(b.Sin(x), y), y)  # type: ignore[no-any-return]

    check_derivative(traced("barrier", [floats(N), floats(N)], record), [normal(3), normal(3, seed=1)], orders=2)


# -- composites ----------------------------------------------------------------------------------------------------


def composite(b: Builder, x: Value, body: Program, vjp: Program | None, primals: int) -> Value:
    return b.emit("Call", (x,), {"name": "Softened", "body": body, "vjp": vjp, "primals": primals})[0]


def softened(residual: bool) -> Program:
    """`softplus(x) * x`, and as a residual `sigmoid(x)`."""

    def record(b: Builder, x: Value) -> list[Value]:
        result = b.Mul(b.Softplus(x), x)
        return [result, b.Sigmoid(x)] if residual else [result]

    return traced("softened", [floats(N, 2)], record)


def its_rule(factor: float) -> Program:
    """The derivative, times a factor that tells whether this rule was taken."""

    def record(b: Builder, sigmoid: Value, x: Value, g: Value) -> Value:
        slope = b.Add(b.Mul(sigmoid, x), b.Softplus(x))
        return b.Mul(b.Mul(g, slope), factor)  # type: ignore[no-any-return]

    return traced("softened_grad", [floats(N, 2)] * 3, record)


def test_a_composite_without_a_rule_differentiates_its_body() -> None:
    program = traced("call", [floats(N, 2)], lambda b, x: composite(b, b.Sin(x), softened(False), None, 1))
    check_derivative(program, [normal(3, 2)], orders=2)


def test_a_composite_with_residuals_has_right_second_derivatives() -> None:
    program = traced("call", [floats(N, 2)], lambda b, x: composite(b, b.Sin(x), softened(True), its_rule(1.0), 1))
    check_derivative(program, [normal(3, 2)], orders=2)


def test_a_composite_is_differentiated_by_its_own_rule() -> None:
    x, g = normal(3, 2), normal(3, 2, seed=1)

    def gradient_by(rule: Program) -> Program:
        program = traced("call", [floats(N, 2)], lambda b, x: composite(b, x, softened(True), rule, 1))
        return vjp_program(program, [True])

    plain, tripled = gradient_by(its_rule(1.0)), gradient_by(its_rule(3.0))
    assert [node.attributes["name"] for node in tripled.nodes if node.op == "Call"] == ["Softened", "SoftenedGrad"]
    np.testing.assert_allclose(evaluate(tripled, [x, g])[0], 3 * evaluate(plain, [x, g])[0], rtol=1e-12)


def test_gradient_programs_of_symbolic_size_serve_every_size() -> None:
    program = traced("mlp", [floats(N, 3), floats(3, 4), floats(4), floats(4, 2)], mlp)
    rule = vjp_program(program, [False, True, True, True])
    verify(rule)
    for size in (1, 7, 128):
        found = evaluate(rule, [normal(size, 3), normal(3, 4), normal(4), normal(4, 2), np.array(1.0)])
        assert [array.shape for array in found] == [(3, 4), (4,), (4, 2)]
