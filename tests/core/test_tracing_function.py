"""Functions as programs: when they are traced again, which sizes stay open, and what comes back."""

from __future__ import annotations

import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cornu.backend.manager import register_backend, unregister_backend
from cornu.config import use_backend
from cornu.ir.dim import Dim
from cornu.ir.interpret import evaluate
from cornu.tracing import Variable, apply, convert, dims, function
from tiny import TinyBackend, tiny_backend


@pytest.fixture(autouse=True)
def backend() -> Iterator[TinyBackend]:
    with tiny_backend() as started:
        yield started


def ones(*shape: int) -> Any:
    return convert(np.ones(shape, np.float32))


def double(x: Any) -> Any:
    return apply("Add", x, x)


# -- traces --------------------------------------------------------------------------------------------------------


def test_equal_signatures_share_a_trace() -> None:
    f = function(double)
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((2, 3)).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(f(x)), x + x)
    assert f.trace_count == 1


def test_a_size_that_varies_becomes_symbolic_at_the_second_one() -> None:
    f = function(double)
    for rows in (2, 5, 7, 128):
        assert f(ones(rows, 3)).shape == (rows, 3)
    assert f.trace_count == 2
    assert isinstance(f.traced(ones(9, 3)).compiled.program.inputs[0].shape[0], Dim)
    assert f.traced(ones(9, 3)).compiled.program.inputs[0].shape[1] == 3
    assert f.trace_count == 2


def test_a_size_of_one_in_the_first_call_stays_out_of_it() -> None:
    f = function(double)
    for rows in (1, 5, 7, 9, 11):
        assert f(ones(rows)).shape == (rows,)
    assert f.trace_count == 3  # 1 broadcasts, so it is a kind of its own; 5; and any size


def test_two_axes_vary_one_after_the_other() -> None:
    f = function(double)
    for shape in ((2, 3), (4, 3), (4, 5), (6, 7), (2, 3)):
        assert f(ones(*shape)).shape == shape
    assert f.trace_count == 3


def test_named_axes_are_symbolic_from_the_start_and_unify() -> None:
    f = function(lambda x, y: apply("Mul", x, y), symbolic_axes=lambda types: {(0, 0): "n", (1, 0): "m"})
    for rows in (3, 1, 7):
        assert f(ones(rows, 2), ones(rows, 2)).shape == (rows, 2)
    assert f.trace_count == 1
    left, right = f.traced(ones(3, 2), ones(3, 2)).compiled.program.inputs
    assert left.shape == right.shape


def test_sizes_that_meet_must_agree_and_a_mistake_costs_nothing_later() -> None:
    f = function(lambda x, y: apply("Mul", x, y), symbolic_axes=lambda types: {(0, 0): "n", (1, 0): "m"})
    with pytest.raises(ValueError, match="sizes 3 and 4 differ"):
        f(ones(3), ones(4))
    before = f.trace_count
    for rows in (5, 6, 7):
        f(ones(rows), ones(rows))
    assert f.trace_count == before + 1


def test_a_symbolic_size_that_python_needs_becomes_static() -> None:
    def rows_times(x: Any) -> Any:
        return apply("Mul", x, float(int(dims(x)[0])))

    f = function(rows_times, symbolic_axes=lambda types: {(0, 0): "n", (0, 1): "m"})
    for rows, columns in ((2, 3), (4, 3), (4, 5), (2, 9)):
        np.testing.assert_array_equal(np.asarray(f(ones(rows, columns))), np.full((rows, columns), rows, np.float32))
    program = f.traced(ones(2, 3)).compiled.program
    assert program.inputs[0].shape[0] == 2
    assert isinstance(program.inputs[0].shape[1], Dim)
    assert len(f._traced) == 1
    assert sum(map(len, f._traced.values())) == 2  # one for 2 rows, one for 4


def test_a_broadcast_of_one_against_a_symbol_is_found_out() -> None:
    f = function(lambda x, y: apply("Add", x, y), symbolic_axes=lambda types: {(0, 0): "n", (1, 0): "m"})
    assert f(ones(3, 2), ones(3, 2)).shape == (3, 2)
    assert f(ones(3, 2), ones(1, 2)).shape == (3, 2)  # never taken for 3
    assert f(ones(1, 2), ones(4, 2)).shape == (4, 2)


def test_dtype_and_rank_and_structure_are_part_of_the_signature() -> None:
    f = function(lambda xs: apply("Add", xs[0], xs[1]))
    f([ones(2), ones(2)])
    f((ones(2), ones(2)))
    f([ones(2, 2), ones(2, 2)])
    f([convert(np.ones(2, np.int32)), convert(np.ones(2, np.int32))])
    assert f.trace_count == 4


def test_python_arguments_are_part_of_the_signature() -> None:
    f = function(lambda x, factor, training=False: apply("Mul", x, factor if training else 1.0))
    x = ones(2)
    assert np.asarray(f(x, 2.0)).tolist() == [1, 1]
    assert np.asarray(f(x, 2.0, training=True)).tolist() == [2, 2]
    assert np.asarray(f(x, 3.0, training=True)).tolist() == [3, 3]
    assert f.trace_count == 3
    assert np.asarray(f(x, 3, training=True)).tolist() == [3, 3]  # an int is not the float that it equals
    assert f.trace_count == 4
    f(x, 2.0, training=True)
    assert f.trace_count == 4


def test_unhashable_arguments_are_told_apart() -> None:
    f = function(lambda x, chosen: apply("Mul", x, float(max(chosen))))
    for number in range(20):  # temporary sets are likely to lie at one address
        assert np.asarray(f(ones(1), {number})).tolist() == [number]


# -- results -------------------------------------------------------------------------------------------------------


def test_results_keep_their_structure() -> None:
    pair = namedtuple("pair", "left right")

    @function
    def f(x: Any) -> Any:
        y = double(x)
        return {"tensors": [y, (x, y)], "named": pair(x, 3), "nothing": None, "text": "ok"}

    result = f(ones(2))
    assert np.asarray(result["tensors"][0]).tolist() == [2, 2]
    assert np.asarray(result["tensors"][1][0]).tolist() == [1, 1]
    assert np.asarray(result["tensors"][1][1]).tolist() == [2, 2]
    assert isinstance(result["named"], pair)
    assert result["named"].right == 3
    assert (result["nothing"], result["text"]) == (None, "ok")


def test_a_function_of_nothing_and_one_that_returns_nothing() -> None:
    v = Variable(np.float32(1))
    assert np.asarray(function(lambda: v)()).item() == 1
    assert function(lambda: [v.assign(np.float32(5)), None][1])() is None
    assert v.numpy() == 5


def test_variables_among_the_arguments_are_state() -> None:
    f = function(lambda v, x: apply("Mul", v.value, x))
    a, b = Variable(np.float32(2)), Variable(np.float32(3))
    assert (np.asarray(f(a, ones())).item(), np.asarray(f(b, ones())).item()) == (2, 3)
    a.assign(np.float32(5))
    assert np.asarray(f(a, ones())).item() == 5
    assert f.trace_count == 2


def test_a_function_inside_a_function_is_part_of_its_program(backend: TinyBackend) -> None:
    inner = function(double)
    outer = function(lambda x: inner(inner(x)))
    assert np.asarray(outer(ones(2))).tolist() == [4, 4]
    assert (outer.trace_count, inner.trace_count) == (1, 0)
    assert backend.runs == 1


# -- errors --------------------------------------------------------------------------------------------------------


def test_a_python_if_on_data_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"The truth of a traced tensor \(float32\[\]\).*`ops\.cond`"):
        function(lambda x: 1 if apply("ReduceSum", x, axes=(0,), keepdims=False) else 2)(ones(3))


@pytest.mark.parametrize("reading", [np.asarray, float, int, lambda x: x.numpy(), lambda x: [0][x]])
def test_numbers_of_a_traced_tensor_do_not_exist(reading: Any) -> None:
    with pytest.raises(TypeError, match="exist only when the program runs"):
        function(reading)(ones())


def test_a_leaked_tensor_is_named_wherever_it_turns_up() -> None:
    leaked: list[Any] = []
    function(lambda x: leaked.append(double(x)) or x)(ones(2))
    with pytest.raises(TypeError, match="used outside the function whose trace made it"):
        double(leaked[0])
    with pytest.raises(TypeError, match="used outside the function whose trace made it"):
        function(double)(leaked[0])
    with pytest.raises(ValueError, match="did it leak out of its trace"):
        function(lambda x: apply("Add", x, leaked[0]))(ones(2))


def test_an_error_in_a_trace_leaves_nothing_behind(backend: TinyBackend) -> None:
    f = function(lambda x, bad: 1 / 0 if bad else double(x))
    with pytest.raises(ZeroDivisionError):
        f(ones(2), True)
    assert np.asarray(f(ones(2), False)).tolist() == [2, 2]
    assert np.asarray(double(ones(2))).tolist() == [2, 2]  # eager again


# -- threads -------------------------------------------------------------------------------------------------------


def run_in_threads(*targets: Any) -> None:
    errors: list[BaseException] = []

    def guarded(target: Any) -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_two_threads_trace_at_once() -> None:
    inside = threading.Barrier(2, timeout=20)
    results: dict[str, Any] = {}

    def target(name: str, op: str) -> Any:
        def traced(x: Any) -> Any:
            y = apply(op, x, x)
            inside.wait()  # both threads are in the middle of a trace
            return apply(op, y, x)

        def run() -> None:
            with tiny_backend(name):
                results[op] = np.asarray(function(traced)(np.full(2, 3, np.float32))).tolist()

        return run

    run_in_threads(target("left", "Add"), target("right", "Mul"))
    assert results == {"Add": [9, 9], "Mul": [27, 27]}


def test_threads_share_one_trace_of_a_function() -> None:
    f = function(double)
    start = threading.Barrier(4, timeout=20)

    def call(name: str) -> Any:
        def run() -> None:
            with tiny_backend(name):
                start.wait()
                assert np.asarray(f(np.ones(3, np.float32))).tolist() == [2, 2, 2]

        return run

    run_in_threads(*(call(f"tiny{i}") for i in range(4)))
    assert f.trace_count == 1


# -- backends ------------------------------------------------------------------------------------------------------


def test_a_tensor_and_a_function_move_between_backends() -> None:
    f = function(double)
    x = ones(2)
    assert np.asarray(f(x)).tolist() == [2, 2]
    with tiny_backend("second") as second:
        y = f(x)
        assert np.asarray(y).tolist() == [2, 2]
        assert second.runs == 1
    assert np.asarray(double(y)).tolist() == [4, 4]
    assert f.trace_count == 1


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_one_tensor_in_two_backends_at_once() -> None:
    """Each thread must get its own backend's buffer of the shared tensor, whoever moved it last."""
    x = ones(2)

    def hammer(name: str) -> Any:
        def run() -> None:
            with tiny_backend(name):
                for _ in range(300):
                    assert np.asarray(double(x)).tolist() == [2, 2]

        return run

    run_in_threads(hammer("left"), hammer("right"))


def test_a_backend_that_replaces_another_gets_its_own_executables() -> None:
    class Forgetful(TinyBackend):
        """Nothing that it makes refers to it, so that another instance may come to lie at its address."""

        def from_numpy(self, array: Any, device: str) -> Any:
            return array

        def to_numpy(self, buffer: Any) -> Any:
            return buffer

        def compile(self, program: Any, options: Any) -> Any:
            self.programs.append(program)
            return lambda inputs, donate=frozenset(): evaluate(program, inputs)

    f = function(double)
    for _ in range(20):
        register_backend("forgetful", Forgetful)
        try:
            with use_backend("forgetful") as fresh:
                f(np.ones(2, np.float32))
                assert len(fresh.programs) == 1  # type: ignore[attr-defined]
            del fresh
        finally:
            unregister_backend("forgetful")
