"""Variables in programs: assignments are effects of a run that succeeded, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cornu.backend.contract import BackendError
from cornu.ir.program import Program
from cornu.tracing import Variable, apply, cond, convert, function, grad, scan, while_loop
from tiny import TinyBackend, tiny_backend


@pytest.fixture(autouse=True)
def backend() -> Iterator[TinyBackend]:
    with tiny_backend() as started:
        yield started


def add(x: Any, y: Any) -> Any:
    return apply("Add", x, y)


def mul(x: Any, y: Any) -> Any:
    return apply("Mul", x, y)


def scalar(value: float) -> Any:
    return convert(np.float32(value))


def test_reads_follow_writes_within_a_trace() -> None:
    v = Variable(np.float32(1), name="v")

    @function
    def f(x: Any) -> Any:
        before = v.value
        v.assign(add(v.value, x))
        v.assign(mul(v.value, 2.0))
        return before, v.value

    before, after = f(scalar(3))
    assert (float(before), float(after), float(v)) == (1, 8, 8)
    before, after = f(scalar(0))
    assert (float(before), float(after), float(v)) == (8, 16, 16)
    assert f.trace_count == 1


def test_whatever_can_be_converted_can_be_assigned_in_a_trace() -> None:
    v, other = Variable(np.zeros(2, np.float32)), Variable(np.full(2, 4, np.float32))
    outside = convert(np.full(2, 3, np.float32))
    for value, expected in ((outside, 3), (other, 4), (np.full(2, 5), 5), ([6, 6], 6)):
        function(lambda value=value: v.assign(value))()
        assert v.numpy().tolist() == [expected] * 2


def test_a_symbolic_size_is_unified_with_the_variables() -> None:
    v = Variable(np.zeros(3, np.float32))
    f = function(lambda x: v.assign(mul(x, 2.0)), symbolic_axes=lambda types: {(0, 0): "n"})
    f(np.ones(3, np.float32))
    assert v.numpy().tolist() == [2, 2, 2]
    with pytest.raises(ValueError, match=r"expected a value of shape \(3,\), got \(4,\)"):
        f(np.ones(4, np.float32))
    assert v.numpy().tolist() == [2, 2, 2]


def test_a_wrong_shape_is_refused_by_name() -> None:
    v = Variable(np.zeros(3, np.float32), name="weights")
    with pytest.raises(ValueError, match=r"Variable weights: expected a value of shape \(3,\), got \(2,\)"):
        v.assign(np.zeros(2))
    with pytest.raises(ValueError, match=r"Variable weights: expected a value of shape \(3,\), got \(2,\)"):
        function(lambda x: v.assign(x))(np.zeros(2))


def test_an_aborted_trace_leaves_no_mark() -> None:
    v = Variable(np.float32(1))
    version = v.version

    @function
    def f(x: Any, bad: bool) -> Any:
        v.assign(add(v.value, x))
        if bad:
            raise KeyboardInterrupt
        return v.value

    with pytest.raises(KeyboardInterrupt):
        f(scalar(5), True)
    assert (float(v), v.version) == (1, version)
    assert float(f(scalar(5), False)) == 6


def test_a_run_that_fails_changes_nothing(backend: TinyBackend) -> None:
    a, b = Variable(np.float32(1)), Variable(np.float32(2))

    @function
    def swap(x: Any) -> None:
        first = a.value
        a.assign(add(b.value, x))
        b.assign(add(first, x))

    def out_of_memory(program: Program) -> None:
        raise BackendError("out of memory", spent=frozenset())

    backend.before_run = out_of_memory
    with pytest.raises(BackendError, match="out of memory"):
        swap(scalar(0))
    backend.before_run = lambda program: None
    assert (float(a), float(b)) == (1, 2)
    swap(scalar(0))
    assert (float(a), float(b)) == (2, 1)


def test_variables_made_inside_a_trace_hold_numbers() -> None:
    made: list[Variable] = []

    @function
    def f(x: Any) -> Any:
        if not made:
            made.append(Variable(np.float32(7), name="late"))
        return add(x, made[0].value)

    assert float(f(scalar(1))) == 8
    assert float(made[0]) == 7


def test_assignments_in_the_branch_that_runs() -> None:
    a, b = Variable(np.float32(1)), Variable(np.float32(1))

    @function
    def f(p: Any) -> Any:
        return cond(p, lambda: a.assign(add(a.value, 10.0)), lambda: b.assign(add(b.value, 100.0)))

    assert float(f(np.array(True))) == 11
    assert (float(a), float(b)) == (11, 1)
    assert float(f(np.array(False))) == 101
    assert (float(a), float(b)) == (11, 101)


def test_assignments_in_a_scan_are_carried() -> None:
    v = Variable(np.float32(1))

    def step(carry: Any, x: Any) -> Any:
        v.assign(mul(v.value, x))
        return add(carry, v.value), v.value

    traced = function(lambda xs: scan(step, scalar(0), xs))
    for run in (traced, lambda xs: scan(step, scalar(0), convert(xs))):
        v.assign(np.float32(1))
        total, products = run(np.array([2, 3, 4], np.float32))
        assert np.asarray(products).tolist() == [2, 6, 24]
        assert (float(total), float(v)) == (32, 24)


def test_assignments_in_a_while_loop_are_carried() -> None:
    v = Variable(np.float32(1))

    def step(i: Any) -> Any:
        v.assign(mul(v.value, 2.0))
        return add(i, 1)

    def less(i: Any) -> Any:
        return apply("Less", i, 5)

    start = np.array(0, np.int32)
    assert int(function(lambda i: while_loop(less, step, i))(start)) == 5
    assert float(v) == 32
    assert int(while_loop(less, step, convert(start), maximum_iterations=2)) == 2
    assert float(v) == 128


def test_a_run_between_programs_on_another_backend(backend: TinyBackend) -> None:
    v = Variable(np.float32(1))
    target = np.float32(3)

    @function
    def step() -> Any:
        def loss() -> Any:
            difference = apply("Sub", v.value, target)
            return mul(difference, difference)

        v.assign(apply("Sub", v.value, mul(grad(loss, [v])()[0], 0.25)))
        return loss()

    losses = [float(step())]
    with tiny_backend("elsewhere") as other:
        losses.append(float(step()))
        assert other.runs == 1
    losses.append(float(step()))
    assert losses == [1, 0.25, 0.0625]  # each step halves the distance of 2
    assert step.trace_count == 1


def test_constants_of_an_executable_follow_assignments(backend: TinyBackend) -> None:
    v = Variable(np.float32(2))
    f = function(lambda x: mul(x, v.value), constant_state=True)
    for _ in range(3):
        assert float(f(scalar(5))) == 10
    assert len(backend.programs[-1].inputs) == 1  # the variable is in the program
    v.assign(np.float32(3))
    for _ in range(3):
        assert float(f(scalar(5))) == 15


def test_a_thousand_steps_compile_once(backend: TinyBackend) -> None:
    v = Variable(np.float32(0))
    step = function(lambda x: v.assign(add(v.value, x)))
    x = scalar(1)
    for _ in range(1000):
        step(x)
    assert float(v) == 1000
    assert len(backend.programs) == 1
