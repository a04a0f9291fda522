"""Gradients of Python functions: eager, traced and by finite differences they are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cornu.tracing import (
    GradientTape,
    Variable,
    apply,
    composite,
    convert,
    function,
    grad,
    scan,
    stop_gradient,
    value_and_grad,
)
from tiny import TinyBackend, tiny_backend


@pytest.fixture(autouse=True)
def backend() -> Iterator[TinyBackend]:
    with tiny_backend() as started:
        yield started


def add(x: Any, y: Any) -> Any:
    return apply("Add", x, y)


def mul(x: Any, y: Any) -> Any:
    return apply("Mul", x, y)


def total(x: Any) -> Any:
    return apply("ReduceSum", x, axes=tuple(range(x.ndim)), keepdims=False)


def two_layers(x: Any, w: Any, v: Any) -> Any:
    hidden = apply("Tanh", apply("MatMul", x, w))
    return total(apply("Softplus", apply("MatMul", hidden, v)))


def loop(x: Any, w: Any, v: Any) -> Any:
    hidden = apply("MatMul", x, w)
    last, _ = scan(lambda c, row: (apply("Tanh", add(mul(c, row), row)), None), convert(np.ones(3)), hidden)
    return total(mul(last, apply("ReduceSum", v, axes=(1,), keepdims=False)))


def mixed(x: Any, w: Any, v: Any) -> Any:
    y = composite("Product", lambda a, b: (apply("MatMul", a, b), apply("Sin", a)), apply("Exp", x), w)
    return add(total(apply("MatMul", y[0], v)), total(mul(y[1], x)))


def differences(fn: Callable[..., Any], arrays: list[np.ndarray], step: float = 1e-6) -> list[np.ndarray]:
    """Central finite differences of a scalar function."""
    found = []
    for i, array in enumerate(arrays):
        gradient = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            ends = []
            for sign in (step, -step):
                moved = [a.copy() for a in arrays]
                moved[i][at] += sign
                ends.append(float(fn(*moved)))
            gradient[at] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    return found


ARRAYS = [np.random.default_rng(seed).normal(size=shape) for seed, shape in enumerate([(4, 2), (2, 3), (3, 2)])]


@pytest.mark.parametrize("fn", [two_layers, loop, mixed])
def test_eager_is_traced_is_finite_differences(fn: Any) -> None:
    def tape_gradients(*tensors: Any) -> Any:
        with GradientTape() as tape:
            y = fn(*tensors)
        return tape.gradient(y, list(tensors))

    expected = differences(function(fn), ARRAYS)
    eager = tape_gradients(*map(convert, ARRAYS))
    traced = function(tape_gradients)(*ARRAYS)
    called = function(fn)
    through = grad(lambda tensors: called(*tensors))(list(ARRAYS))  # eager differentiation of a compiled function
    for e, t, c, want in zip(eager, traced, through, expected, strict=True):
        np.testing.assert_allclose(np.asarray(e), want, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(np.asarray(t), want, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(np.asarray(c), want, rtol=1e-6, atol=1e-8)


def cube(x: Any) -> Any:
    return mul(mul(x, x), x)


def test_second_and_third_derivatives() -> None:
    for wrap in (lambda f: f, function):
        x = convert(np.float64(2))
        assert float(wrap(grad(cube))(x)) == pytest.approx(12)
        assert float(wrap(grad(grad(cube)))(x)) == pytest.approx(12)
        assert float(wrap(grad(grad(grad(cube))))(x)) == pytest.approx(6)


def test_nested_tapes() -> None:
    x = convert(np.float64(3))
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = cube(x)
        first = inner.gradient(y, x)
    assert float(first) == 27
    assert float(outer.gradient(first, x)) == 18


def test_a_tape_gives_one_gradient_and_a_persistent_one_many() -> None:
    x = convert(np.float64(3))
    with GradientTape() as tape:
        y = mul(x, x)
    assert float(tape.gradient(y, x)) == 6
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with GradientTape(persistent=True) as tape:
        y = mul(x, x)
        z = mul(y, y)
    assert float(tape.gradient(y, x)) == 6
    assert float(tape.gradient(z, x)) == 108
    assert float(tape.gradient(z, y)) == 18


def test_structures_of_sources_and_unconnected_ones() -> None:
    def gradients(x: Any, y: Any) -> Any:
        with GradientTape() as tape:
            z = mul(x, x)
        return tape.gradient(z, {"a": x, "b": [y]})

    for run in (gradients, function(gradients)):
        found = run(convert(np.float64(3)), convert(np.float64(1)))
        assert float(found["a"]) == 6
        assert found["b"] == [None]
    x, y = convert(np.float64(3)), convert(np.ones(2))
    with GradientTape() as tape:
        z = mul(x, x)
    zeros = tape.gradient(z, [y], unconnected_gradients="zero")[0]
    assert np.asarray(zeros).tolist() == [0, 0]


def test_several_targets_and_given_cotangents() -> None:
    def gradients(x: Any) -> Any:
        with GradientTape() as tape:
            y, z = mul(x, x), mul(x, 5.0)
        return tape.gradient([y, z], x, output_gradients=[np.array([1.0, 10.0]), np.array([2.0, 0.0])])

    x = np.array([1.0, 2.0])
    for run in (lambda a: gradients(convert(a)), function(gradients)):
        assert np.asarray(run(x)).tolist() == [2 * 1 + 5 * 2, 4 * 10]


def test_gradients_with_respect_to_variables() -> None:
    w, unused = Variable(np.float64(3)), Variable(np.float64(1))

    def fn(x: Any) -> Any:
        value, gradients = value_and_grad(lambda: mul(mul(w.value, w.value), x), [w, unused])()
        return value, gradients

    for run in (lambda a: fn(convert(a)), function(fn)):
        value, (dw, zero) = run(np.float64(2))
        assert (float(value), float(dw), float(zero)) == (18, 12, 0)


def test_the_gradient_is_taken_at_the_value_that_was_read() -> None:
    """An assignment after the reading, as by the first of two optimizers, does not cut the gradient off."""
    w = Variable(np.float64(3))

    def fn() -> Any:
        with GradientTape(persistent=True) as tape:
            y = mul(w.value, w.value)
            z = mul(y, w.value)
        w.assign(apply("Sub", w.value, tape.gradient(y, w)))
        return tape.gradient(z, w)

    for run in (fn, function(fn)):
        w.assign(np.float64(3))
        assert float(run()) == 27
        assert float(w) == -3


def test_several_results_beside_the_scalar() -> None:
    (value, aux), gradient = value_and_grad(lambda x: (mul(x, x), {"doubled": add(x, x)}), has_aux=True)(np.float64(4))
    assert (float(value), float(aux["doubled"]), float(gradient)) == (16, 8, 8)


def test_only_scalars_have_a_gradient() -> None:
    with pytest.raises(ValueError, match=r"must return a scalar, got shape \(2,\)"):
        grad(lambda x: mul(x, x))(np.ones(2))


def test_stop_gradient_is_a_constant() -> None:
    for run in (grad(lambda x: mul(stop_gradient(x), x)), function(grad(lambda x: mul(stop_gradient(x), x)))):
        assert float(run(convert(np.float64(5)))) == 5


def test_a_tensor_from_outside_can_be_the_source_in_a_trace() -> None:
    outside = convert(np.float64(5))
    assert float(function(lambda: grad(lambda x: mul(x, x))(outside))()) == 10


def test_an_eager_step_compiles_its_backward_pass_once(backend: TinyBackend) -> None:
    w = Variable(np.ones(3))

    def step() -> None:
        with GradientTape() as tape:
            loss = total(apply("Tanh", mul(w.value, 2.0)))
        w.assign(apply("Sub", w.value, tape.gradient(loss, w)))

    step()
    compiled = len(backend.programs)
    for _ in range(5):
        step()
    assert len(backend.programs) == compiled


def test_a_source_is_not_confused_with_an_equal_constant() -> None:
    five = np.float64(5)
    assert float(function(lambda: grad(lambda x: mul(x, 5.0))(five))()) == 5
    assert float(grad(lambda x: mul(x, 5.0))(five)) == 5


def test_a_tape_belongs_to_the_function_that_entered_it() -> None:
    with GradientTape() as tape:
        pass
    with pytest.raises(RuntimeError, match="must be called in the function in which the tape was entered"):
        function(lambda x: tape.gradient(x, x))(np.float64(1))


def test_a_variable_is_read_inside_loops_and_compiled_functions() -> None:
    w = Variable(np.float64(2))
    called = function(lambda x: mul(w.value, x))

    def fn(x: Any) -> Any:
        last, _ = scan(lambda carry, _: (mul(carry, w.value), None), convert(np.float64(1)), length=3)
        return add(last, called(x))

    gradient = grad(lambda: fn(convert(np.float64(7))), [w])
    for run in (gradient, function(gradient)):
        assert float(run()[0]) == 3 * 2**2 + 7
