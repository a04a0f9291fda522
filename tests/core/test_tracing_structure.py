"""Composites, branches, loops and rematerialisation: what they record and what their gradients are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu.tracing import (
    GradientTape,
    Variable,
    apply,
    composite,
    cond,
    convert,
    custom_gradient,
    function,
    grad,
    named_scope,
    remat,
    scan,
    while_loop,
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


def both(fn: Any) -> list[Any]:
    """The function run eagerly and as a program."""
    return [lambda *args: fn(*map(convert, args)), function(fn)]


X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


# -- composites ----------------------------------------------------------------------------------------------------


def squared(x: Any) -> Any:
    """x², with the gradient 20 x instead of 2 x, so that one sees which rule was used."""
    return composite(
        "Squared",
        lambda a: (mul(a, a), (mul(a, 10.0),)),
        x,
        vjp=lambda saved, inputs, cotangents: mul(mul(cotangents[0], saved[0]), 2.0),
        residuals=True,
        power=2,
    )


def test_a_composite_is_one_node_with_its_configuration() -> None:
    program = function(squared).traced(X).compiled.program
    (node,) = program.nodes
    assert (node.op, node.attributes["name"], node.attributes["power"]) == ("Call", "Squared", 2)
    assert node.attributes["primals"] == 1
    assert len(node.outputs) == 2  # the result and the residual


def test_a_composites_own_rule_gives_its_gradient() -> None:
    for run in both(grad(lambda x: total(squared(x)))):
        np.testing.assert_allclose(np.asarray(run(X)), 20 * X)


def test_without_a_rule_differentiation_goes_through_the_body() -> None:
    for run in both(grad(lambda x: total(composite("Cubed", lambda a: mul(mul(a, a), a), x)))):
        np.testing.assert_allclose(np.asarray(run(X)), 3 * X * X)


def test_an_eager_composite_compiles_once(backend: TinyBackend) -> None:
    for _ in range(5):
        np.testing.assert_allclose(np.asarray(squared(convert(X))), X * X)
    assert len(backend.programs) == 1


def test_a_composite_that_reads_and_writes_variables() -> None:
    factor, calls = Variable(2.0, dtype="float64"), Variable(0, dtype="int32")

    def fn(x: Any) -> Any:
        def body(a: Any) -> Any:
            calls.assign(add(calls.value, 1))
            return mul(a, factor.value)

        return composite("Scaled", body, x)

    for i, run in enumerate(both(fn), 1):
        np.testing.assert_allclose(np.asarray(run(X)), 2 * X)
        assert int(calls) == i


def test_a_rule_with_too_few_cotangents_is_refused() -> None:
    with pytest.raises(ValueError, match="The gradient rule of Product returned 1 cotangents for 2 inputs"):
        composite("Product", mul, convert(X), convert(X), vjp=lambda saved, inputs, cotangents: (cotangents[0],))


def test_a_custom_gradient_replaces_the_real_one() -> None:
    @custom_gradient
    def clipped(x: Any) -> Any:
        def rule(*args: Any, upstream: Any = None) -> Any:
            upstream = args[0] if upstream is None else upstream
            return apply("Min", apply("Max", upstream, -1.0), 1.0)

        return mul(x, 1.0), rule

    for run in both(grad(lambda x: total(mul(clipped(x), np.array([5.0, -7.0, 0.5]))))):
        np.testing.assert_allclose(np.asarray(run(X)), [[1, -1, 0.5]] * 2)


def test_a_custom_gradient_may_use_what_lies_around_it() -> None:
    v = Variable(3.0, dtype="float64")

    def fn(x: Any, scale: Any) -> Any:
        @custom_gradient
        def scaled(a: Any) -> Any:
            def rule(upstream: Any) -> Any:
                return mul(mul(upstream, scale), v.value)

            return a, rule

        return total(scaled(x))

    for run in both(grad(fn)):
        np.testing.assert_allclose(np.asarray(run(X, np.float64(2))), np.full(X.shape, 6.0))


def test_no_composite_has_a_primitives_name() -> None:
    with pytest.raises(ValueError, match="'Relu' is a primitive's name"):
        composite("Relu", lambda a: a, convert(X))

    def Relu(x: Any) -> Any:  # noqa: N802 - the name is what matters here
        return mul(x, 2.0), lambda upstream: upstream

    (node,) = function(custom_gradient(Relu)).traced(X).compiled.program.nodes
    assert (node.attributes["name"], node.attributes["function"]) == ("CustomGradient", "Relu")


def test_names_of_layers_are_kept_once() -> None:
    def fn(x: Any) -> Any:
        with named_scope("outer"), named_scope("inner"):
            return composite("Twice", lambda a: add(a, a), x)

    program = prepare(function(fn).traced(X).compiled.program, Nothing())
    assert [(node.op, node.scope) for node in program.nodes] == [("Add", "outer/inner")]


class Nothing(TinyBackend):
    """Runs primitives, no composites."""

    def supports(self, op: str, dtypes: Any, attributes: Any, device: str) -> bool:
        return "body" not in attributes or op in ("Scan", "While", "If")


# -- branches ------------------------------------------------------------------------------------------------------


def test_cond_and_its_gradient() -> None:
    def fn(p: Any, x: Any) -> Any:
        return cond(p, lambda: total(mul(x, x)), lambda: total(mul(x, 3.0)))

    for run in (fn, function(fn)):
        assert np.asarray(run(convert(True), convert(X))) == pytest.approx((X * X).sum())
        assert np.asarray(run(convert(False), convert(X))) == pytest.approx(3 * X.sum())
    gradient = function(lambda p, x: grad(lambda a: fn(p, a))(x))
    np.testing.assert_allclose(np.asarray(gradient(np.array(True), X)), 2 * X)
    np.testing.assert_allclose(np.asarray(gradient(np.array(False), X)), np.full(X.shape, 3.0))


def test_branches_must_agree() -> None:
    with pytest.raises(ValueError, match="the branches return different structures"):
        function(lambda p, x: cond(p, lambda: (x, x), lambda: x))(np.array(True), X)
    with pytest.raises(TypeError, match="If's branches"):
        function(lambda p, x: cond(p, lambda: x, lambda: apply("Cast", x, to="float32")))(np.array(True), X)


# -- loops ---------------------------------------------------------------------------------------------------------


def products(x: Any) -> Any:
    """Running products over rows: carry and result."""
    return scan(lambda carry, row: (mul(carry, row), mul(carry, row)), convert(np.ones(3)), x)


def test_scan_and_its_gradient() -> None:
    for run in both(products):
        last, each = run(X)
        np.testing.assert_allclose(np.asarray(last), X.prod(0))
        np.testing.assert_allclose(np.asarray(each), np.cumprod(X, 0))
    for run in both(grad(lambda x: total(products(x)[0]))):
        np.testing.assert_allclose(np.asarray(run(X)), X[::-1])


def test_scan_in_reverse_and_without_sequences() -> None:
    for run in both(lambda x: scan(lambda c, row: (add(c, row), c), convert(np.zeros(3)), x, reverse=True)):
        last, each = run(X)
        np.testing.assert_allclose(np.asarray(last), X.sum(0))
        np.testing.assert_allclose(np.asarray(each), [X[1], np.zeros(3)])  # each at its element's place
    last, each = scan(lambda c, _: (mul(c, 2.0), None), convert(1.0), length=4)
    assert (float(last), each) == (16, None)
    with pytest.raises(ValueError, match="length is 3, but xs has 2 elements"):
        scan(lambda c, row: (c, row), convert(1.0), convert(X), length=3)


def test_a_scan_over_a_symbolic_length() -> None:
    f = function(products, symbolic_axes=lambda types: {(0, 0): "time"})
    for steps in (1, 2, 5, 0):
        x = np.full((steps, 3), 2.0)
        last, each = f(x)
        np.testing.assert_allclose(np.asarray(last), np.full(3, 2.0**steps))
        assert each.shape == (steps, 3)
    assert f.trace_count == 1


def test_a_scan_reads_what_lies_around_it() -> None:
    weight = Variable(np.array([1.0, 2.0, 3.0]))
    outside = convert(np.array([2.0, 2.0, 2.0]))

    def fn(x: Any) -> Any:
        last, _ = scan(lambda c, row: (add(c, mul(mul(row, weight.value), outside)), None), convert(np.zeros(3)), x)
        return total(last)

    expected = 2 * X.sum(0)
    for run in both(lambda x: grad(lambda: fn(x), [weight])()[0]):
        np.testing.assert_allclose(np.asarray(run(X)), expected)
    with GradientTape() as tape:
        y = fn(convert(X))
    np.testing.assert_allclose(np.asarray(tape.gradient(y, outside)), weight.numpy() * X.sum(0))


def test_while_loop_and_its_limit() -> None:
    def fn(x: Any) -> Any:
        return while_loop(lambda i, a: apply("Less", i, 10), lambda i, a: (add(i, 1), mul(a, 2.0)), (convert(0), x))

    for run in both(fn):
        i, doubled = run(np.float64(1))
        assert (int(i), float(doubled)) == (10, 1024)
    limited = while_loop(lambda a: apply("Less", a, 100.0), lambda a: mul(a, 3.0), convert(1.0), maximum_iterations=3)
    assert float(limited) == 27
    with pytest.raises(ValueError, match="cannot be differentiated in reverse mode; use a scan"):
        function(grad(lambda x: fn(x)[1]))(np.float64(1))


# -- rematerialisation ---------------------------------------------------------------------------------------------


def sines(x: Any) -> Any:
    return apply("Sin", apply("Sin", x))


def count(program: Program, op: str) -> int:
    return sum(node.op == op for node in program.walk())


def test_remat_computes_again_in_the_prepared_program(backend: TinyBackend) -> None:
    plain = function(grad(lambda x: total(sines(x))))
    again = function(grad(lambda x: total(remat(sines)(x))))
    expected = np.cos(np.sin(X)) * np.cos(X)
    for run in (plain, again):
        np.testing.assert_allclose(np.asarray(run(X)), expected)
    prepared = [prepare(f.traced(X).compiled.program, Nothing()) for f in (plain, again)]
    assert count(prepared[0], "Barrier") == 0
    assert count(prepared[1], "Barrier") == 1
    (barrier,) = [node for node in prepared[1].nodes if node.op == "Barrier"]
    inner = [node for node in prepared[1].nodes if node.op == "Sin"]
    # After the barrier the first sine is computed from the barrier's result: from nothing that was kept.
    assert any(node.inputs[0] in barrier.outputs for node in inner)
    assert count(prepared[0], "Sin") == 1  # sin x is shared with the forward pass; sin sin x is dead


def test_remat_reads_variables_and_keeps_their_gradients() -> None:
    w = Variable(np.array([1.0, 2.0, 3.0]))
    fn = remat(lambda x: total(sines(mul(x, w.value))))
    for run in both(lambda x: grad(lambda: fn(x), [w])()[0]):
        inner = X * w.numpy()
        np.testing.assert_allclose(np.asarray(run(X)), (np.cos(np.sin(inner)) * np.cos(inner) * X).sum(0))
