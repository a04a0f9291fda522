"""The NumPy backend agrees with the reference interpreter and keeps the contract."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from cornu.backend.check import check_backend_class
from cornu.backend.contract import CONTRACT_VERSION, Backend, BackendError, CompileOptions, Executable
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.dim import symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes import inline, prepare
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu_numpy import NumpyBackend, NumpyExecutable
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import assert_same, cnn, draw, f32, mlp
from random_programs import programs

N = symbol("n")


def compiled(program: Program) -> NumpyExecutable:
    """The program as it is; composites inlined."""
    return NumpyBackend().compile(inline(program, lambda node: False), CompileOptions())


def build(make: Callable[..., Value | list[Value]], *types: TensorType) -> Program:
    b = Builder("test")
    result = make(b, *[b.input(type, f"x{i}") for i, type in enumerate(types)])
    return b.finish(result if isinstance(result, list) else [result])


# -- the contract --------------------------------------------------------------------------------------------------


def test_it_fulfils_the_contract() -> None:
    assert check_backend_class(NumpyBackend) is NumpyBackend
    backend = NumpyBackend()
    assert isinstance(backend, Backend)
    assert isinstance(compiled(mlp(train=False)), Executable)
    assert (backend.contract, backend.priority) == (CONTRACT_VERSION, 10)
    assert NumpyBackend.describe()["version"] == np.__version__


def test_it_supports_primitives_on_the_cpu_only() -> None:
    backend = NumpyBackend()
    assert backend.supports("Conv", ("float64", "float64"), {}, "")
    assert not backend.supports("Conv", ("float32", "float32"), {}, "cuda")
    assert not backend.supports("LSTM", ("float32",), {}, "")
    assert not backend.supports("Call", ("float32",), {}, "")


def test_another_device_or_option_is_refused() -> None:
    with pytest.raises(ValueError, match="'cpu', not on 'cuda:0'"):
        NumpyBackend().from_numpy(np.zeros(3), "cuda:0")
    with pytest.raises(TypeError):
        NumpyBackend(threads=2)  # type: ignore[call-arg]


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_arrays_are_copied_in_and_out(shape: tuple[int, ...]) -> None:
    backend = NumpyBackend()
    array = np.ones(shape, np.float32)
    buffer = backend.from_numpy(array, "")
    result = backend.to_numpy(buffer)
    array[...] = 2
    assert result.shape == shape
    np.testing.assert_array_equal(result, np.ones(shape))
    result[...] = 3
    np.testing.assert_array_equal(backend.to_numpy(buffer), np.ones(shape))


# -- the same numbers ----------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, derandomize=True)
@given(programs(), st.integers(0, 4))
def test_random_programs_equal_the_interpreter(program: Program, n: int) -> None:
    arrays = draw(program, {"n": n}, seed=n)
    with np.errstate(all="ignore"):
        expected = evaluate(program, arrays)
    run = compiled(program)
    given_arrays = [array.copy() for array in arrays]
    first = run(given_arrays)
    assert_same(first, expected, 1e-5)
    assert_same(given_arrays, arrays, 0)
    assert_alone(first, given_arrays)
    again = run(given_arrays, frozenset(range(len(arrays))))
    assert_same(again, expected, 1e-5)
    assert_same(first, expected, 1e-5)  # the second call left the results of the first alone
    assert_alone(again, first)


def assert_alone(outputs: list[np.ndarray], others: list[np.ndarray]) -> None:
    for i, output in enumerate(outputs):
        assert not any(np.shares_memory(output, other) for other in (*outputs[:i], *others))


@pytest.mark.parametrize("make", [mlp, cnn])
@pytest.mark.parametrize("train", [False, True])
def test_models_at_several_sizes(make: Callable[..., Program], train: bool) -> None:
    program = make(train=train)
    for run in (compiled(program), NumpyBackend().compile(prepare(program, NumpyBackend(), ""), CompileOptions())):
        for n in (1, 5, 2, 5):
            arrays = draw(program, {"n": n}, seed=n)
            assert_same(run(arrays), evaluate(program, arrays))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("op", ["Erf", "Sigmoid", "Softplus", "Tanh", "Exp", "Relu", "Abs", "Sign", "Round"])
def test_functions_over_their_range(op: str, dtype: str) -> None:
    program = build(lambda b, x: b.emit(op, (x,), {})[0], TensorType(dtype, (N,)))
    points = np.concatenate(
        [np.linspace(-120, 120, 997), np.linspace(-6, 6, 9999), [0.0, -0.0, np.inf, -np.inf, np.nan]]
    )
    array = points.astype(draw(program, {"n": 1})[0].dtype)
    tolerance = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 5e-7, "float64": 1e-12}[dtype]
    with np.errstate(all="ignore"):
        (expected,) = evaluate(program, [array])
    (result,) = compiled(program)([array])
    np.testing.assert_allclose(result.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=tolerance)


WINDOWS = [
    # sizes, kernel, strides, dilations, groups
    ((13,), (3,), (1,), (1,), 1),
    ((12,), (4,), (3,), (2,), 2),
    ((7, 9), (3, 2), (1, 1), (1, 1), 1),
    ((7, 9), (3, 2), (1, 1), (2, 3), 4),
    ((8, 11), (3, 3), (2, 3), (1, 1), 2),
    ((5, 5), (1, 1), (1, 1), (1, 1), 1),
    ((5, 5), (5, 5), (1, 1), (1, 1), 1),
    ((12, 12), (2, 2), (1, 1), (1, 1), 1),
    ((5, 6, 4), (2, 3, 2), (1, 1, 1), (1, 1, 1), 1),
    ((5, 6, 4), (2, 3, 2), (2, 1, 2), (1, 2, 1), 2),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize(("sizes", "kernel", "strides", "dilations", "group"), WINDOWS)
def test_convolutions_and_their_gradients(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    group: int,
    last: bool,
    dtype: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channels, filters, rank = 4, 8, len(sizes)
    to_first = (0, rank + 1, *range(1, rank + 1))

    def make(b: Builder, x: Value, w: Value) -> list[Value]:
        image = b.Transpose(x, perm=to_first) if last else x
        y = b.Conv(image, w, strides=strides, dilations=dilations, group=group)
        target = b.ReduceSum(b.Mul(y, y), axes=tuple(range(rank + 2)), keepdims=False)
        gradients = backward(b, {target: b.constant(1.0, dtype)}, [x, w])
        pools = [
            b.emit(op, (image,), {"kernel_shape": kernel, "strides": strides, "dilations": dilations})[0]
            for op in ("MaxPool", "AveragePool")
        ]
        return [y, *[g for g in gradients if g is not None], *pools]

    shape = (N, *sizes, channels) if last else (N, channels, *sizes)
    program = build(make, TensorType(dtype, shape), TensorType(dtype, (filters, channels // group, *kernel)))
    ready = prepare(program, NumpyBackend(), "")
    assert sum(node.op == "Call" for node in ready.nodes) == 1  # the weight gradient has a kernel of its own
    for cache in (1, 1 << 21):  # one sample at a time; all at once
        monkeypatch.setattr("cornu_numpy.convolution.CACHE", cache)
        run = NumpyBackend().compile(ready, CompileOptions())
        for n in (0, 1, 5):
            arrays = draw(program, {"n": n}, seed=n)
            tolerance = {"float16": 2e-2, "float32": 1e-4, "float64": 1e-12}[dtype]
            with np.errstate(all="ignore"):
                expected = evaluate(program, [array.astype(array.dtype) for array in arrays])
            scale = [max(1.0, float(np.abs(e).max(initial=0))) for e in expected]
            outputs = [(o / s).astype(o.dtype) for o, s in zip(run(arrays), scale, strict=True)]
            assert_same(outputs, [(e / s).astype(e.dtype) for e, s in zip(expected, scale, strict=True)], tolerance)


@pytest.mark.parametrize("shape", [(), (3,), (4096,), (5, 1000), (300, 4096), (150, 64, 65), (0, 3)])
def test_random_bits_are_the_same_everywhere(shape: tuple[int, ...]) -> None:
    program = build(lambda b, key: b.RandomBits(key, shape=shape), TensorType("uint32", (2,)))
    for key in ([0, 0], [1, 2**32 - 1]):
        arrays = [np.array(key, np.uint32)]
        assert_same(compiled(program)(arrays), evaluate(program, arrays))


def test_recomputation_waits_and_copies_nothing() -> None:
    def make(b: Builder, x: Value) -> Value:
        y = b.Exp(x)
        (held,) = b.emit("Barrier", (x, y), {})
        return b.Mul(y, b.Exp(held))

    program = build(make, f32(N))
    run = compiled(program)
    arrays = draw(program, {"n": 1000})
    assert_same(run(arrays), evaluate(program, arrays))
    (plan,) = run._plans.values()
    assert len(plan._steps) == 4  # Exp, a view of x, Exp, Mul


def scan_program() -> Program:
    """A linear recurrence that also returns what it was at each step, and a carry that passes through."""
    step = build(
        lambda b, h, k, x, w: [b.Tanh(b.Add(b.MatMul(h, w), x)), k, b.Mul(h, 2.0)],
        f32(N, 3),
        f32(),
        f32(N, 3),
        f32(3, 3),
    )

    def loop(b: Builder, h: Value, k: Value, xs: Value, w: Value) -> list[Value]:
        attributes = {"body": step, "carries": 2, "sequences": 1, "length": 5, "reverse": True}
        return list(b.emit("Scan", (h, k, xs, w), attributes))

    return build(loop, f32(N, 3), f32(), f32(5, N, 3), f32(3, 3))


def test_loops_and_branches() -> None:
    program = scan_program()
    arrays = draw(program, {"n": 4})
    outputs = compiled(program)(arrays)
    assert_same(outputs, evaluate(program, arrays))
    assert_alone(outputs, arrays)
    then = build(lambda b, x: [x], f32(N))
    otherwise = build(lambda b, x: [b.Neg(x)], f32(N))
    choice = build(
        lambda b, c, x: list(b.emit("If", (c, x), {"then": then, "otherwise": otherwise})),
        TensorType("bool", ()),
        f32(N),
    )
    for condition in (True, False):
        given_arrays = [np.array(condition), np.arange(3, dtype=np.float32)]
        outputs = compiled(choice)(given_arrays)
        assert_same(outputs, evaluate(choice, given_arrays))
        assert_alone(outputs, given_arrays)


def test_loops_over_vectors_have_numbers_as_elements() -> None:
    step = build(lambda b, h, x: [b.Add(h, x), b.Mul(h, x)], f32(), f32())
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": N, "reverse": False}
    program = build(lambda b, h, xs: list(b.emit("Scan", (h, xs), attributes)), f32(), f32(N))
    arrays = draw(program, {"n": 4})
    assert_same(compiled(program)(arrays), evaluate(program, arrays))


def test_loops_without_a_step_return_copies_of_what_they_were_given() -> None:
    step = build(lambda b, h, x: [b.Add(h, x), b.Neg(h)], f32(3), f32(3))
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": N, "reverse": False}
    scan = build(lambda b, h, xs: list(b.emit("Scan", (h, xs), attributes)), f32(3), f32(N, 3))
    condition = build(lambda b, h: [b.Less(b.ReduceSum(h, axes=(0,), keepdims=False), 0.0)], f32(3))
    grow = build(lambda b, h: [b.Add(h, 1.0)], f32(3))
    loop = build(
        lambda b, h, n: list(b.emit("While", (h,), {"condition": condition, "body": grow, "carries": 1})),
        f32(3),
        f32(N),
    )
    for program, n in ((scan, 0), (scan, 1), (loop, 0)):
        arrays = [np.ones(3, np.float32), np.ones((n, 3) if program is scan else (n,), np.float32)]
        outputs = compiled(program)(arrays)
        assert_same(outputs, evaluate(program, arrays))
        assert_alone(outputs, arrays)


# -- memory --------------------------------------------------------------------------------------------------------


def test_donated_memory_is_used_and_other_memory_is_not() -> None:
    program = build(lambda b, w, g: b.Sub(w, b.Mul(g, 0.1)), f32(N), f32(N))
    run = compiled(program)
    w, g = np.ones(8, np.float32), np.ones(8, np.float32)
    (kept,) = run([w, g])
    assert not np.shares_memory(kept, w)
    (updated,) = run([w, g], frozenset({0}))
    assert np.shares_memory(updated, w)
    np.testing.assert_allclose(updated, np.full(8, 0.9), rtol=1e-6)
    np.testing.assert_array_equal(g, np.ones(8))


def test_donated_memory_behind_an_expand_that_repeats_nothing() -> None:
    program = build(lambda b, x, y: b.Mul(b.Expand(b.Reshape(x, shape=(2, 3)), shape=(2, 3)), y), *[f32(2, 3)] * 2)
    x, y = np.full((2, 3), 2, np.float32), np.full((2, 3), 3, np.float32)
    (product,) = compiled(program)([x, y], frozenset({0}))
    np.testing.assert_array_equal(product, np.full((2, 3), 6))
    assert np.shares_memory(product, x)


def test_donation_waits_for_the_last_reader() -> None:
    program = build(
        lambda b, w, g: [b.Sub(w, g), b.ReduceSum(b.Transpose(w, perm=(1, 0)), axes=(0,), keepdims=False)],
        *[f32(3, 3)] * 2,
    )
    arrays = draw(program, {})
    expected = evaluate(program, arrays)
    assert_same(compiled(program)([array.copy() for array in arrays], frozenset({0, 1})), expected)


def test_the_same_or_a_read_only_array_is_not_overwritten() -> None:
    program = build(lambda b, x, y: [b.Neg(x), b.Mul(y, 2.0)], f32(N), f32(N))
    run = compiled(program)
    x = np.ones(4, np.float32)
    outputs = run([x, x], frozenset({0, 1}))
    np.testing.assert_array_equal(outputs[0], -np.ones(4))
    np.testing.assert_array_equal(outputs[1], np.full(4, 2))
    locked = np.ones(4, np.float32)
    locked.flags.writeable = False
    run([locked, x], frozenset({0}))
    np.testing.assert_array_equal(locked, np.ones(4))


def test_outputs_that_are_inputs_constants_or_one_another_are_copies() -> None:
    constant = np.arange(3, dtype=np.float32)

    def make(b: Builder, x: Value) -> list[Value]:
        y = b.Neg(x)
        return [
            x,
            b.constant(constant),
            y,
            y,
            b.Reshape(y, shape=(3, 1)),
            b.Slice(y, starts=(0,), ends=(2,), axes=(0,), steps=(1,)),
        ]

    program = build(make, f32(3))
    x = np.ones(3, np.float32)
    outputs = compiled(program)([x])
    assert_same(outputs, evaluate(program, [x]))
    assert_alone(outputs, [x, constant])


def test_inputs_may_lie_in_memory_in_any_order() -> None:
    program = build(lambda b, x: b.Reshape(b.Exp(x), shape=(6,)), f32(2, 3))
    x = np.arange(6, dtype=np.float32).reshape(3, 2).T
    np.testing.assert_allclose(compiled(program)([x])[0], np.exp(x).ravel(), rtol=1e-6)


def test_buffers_are_used_again() -> None:
    def chain(b: Builder, x: Value) -> Value:
        for _ in range(20):
            x = b.Tanh(b.MatMul(x, b.Transpose(x, perm=(1, 0))))
        return x

    program = build(chain, f32(256, 256))
    run = compiled(program)
    run([np.zeros((256, 256), np.float32)])
    (plan,) = run._plans.values()
    assert sum(plan._layout.buffers.sizes) <= 2 * 256 * 256 * 4


def test_a_buffer_grows_where_a_larger_value_comes_later() -> None:
    def chain(b: Builder, x: Value) -> Value:
        for _ in range(3):
            x = b.Concat(b.Exp(x), b.Exp(x), axis=0)
        return b.ReduceSum(b.Exp(x), axes=(0,), keepdims=False)

    run = compiled(build(chain, f32(1000)))
    run([np.zeros(1000, np.float32)])
    (plan,) = run._plans.values()
    assert sum(plan._layout.buffers.sizes) < 2.2 * 8000 * 4  # the two largest values, not all eight


def test_an_executable_keeps_no_input() -> None:
    run = compiled(build(lambda b, x: b.Exp(x), f32(4)))
    x = np.zeros(4, np.float32)
    kept = weakref.ref(x)
    run([x])
    del x
    assert kept() is None


def test_an_operand_that_is_donated_is_preferred_to_a_buffer() -> None:
    program = build(lambda b, w, g: b.Add(b.Mul(g, 2.0), w), f32(N), f32(N))
    w, g = np.ones(8, np.float32), np.ones(8, np.float32)
    (updated,) = compiled(program)([w, g], frozenset({0}))
    assert np.shares_memory(updated, w)
    np.testing.assert_array_equal(updated, np.full(8, 3))


def test_a_thousand_steps_in_constant_memory() -> None:
    program = mlp(train=True)
    run = compiled(program)
    arrays = draw(program, {"n": 16})

    def train(steps: int) -> None:
        state = [array.copy() for array in arrays[2:]]
        for _ in range(steps):
            _, *state = run([*arrays[:2], *state], frozenset(range(2, len(arrays))))

    train(20)
    gc.collect()
    tracemalloc.start()
    train(20)
    before = tracemalloc.get_traced_memory()[0]
    train(1000)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 20_000


def test_plans_are_few() -> None:
    run = compiled(mlp(train=False))
    for n in range(1, 60):
        run(draw(run.program, {"n": n}))
    assert len(run._plans) <= 16
    run.close()
    assert not run._plans
    assert run(draw(run.program, {"n": 3}))[0].shape == (3, 8)


# -- failures and threads ------------------------------------------------------------------------------------------


def test_a_failing_node_is_named_with_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arrays: np.ndarray, **attributes: object) -> None:
        raise FloatingPointError("bad numbers")

    monkeypatch.setitem(__import__("cornu_numpy.control").control.KERNELS, "CumSum", failing)
    b = Builder("test")
    x = b.input(f32(3))
    with b.scoped("model/dense_1"):
        y = b.CumSum(b.Exp(x), axis=0, exclusive=False, reverse=False)
    run = compiled(b.finish([y]))
    with pytest.raises(BackendError, match="bad numbers in node CumSum of layer model/dense_1") as caught:
        run([np.ones(3, np.float32)])
    assert (caught.value.node, caught.value.layer) == ("CumSum", "model/dense_1")


def test_wrong_shapes_are_refused() -> None:
    run = compiled(mlp(train=False))
    arrays = draw(run.program, {"n": 2})
    with pytest.raises(ValueError, match="axis 1 is `20`, expected 20, got 19"):
        run([arrays[0][:, :19], *arrays[1:]])
    with pytest.raises(ValueError, match="takes 5 inputs, got 1"):
        run(arrays[:1])


def test_threads_do_not_disturb_each_other() -> None:
    program = mlp(train=True)
    run = compiled(program)
    sets = [draw(program, {"n": 8}, seed=seed) for seed in range(4)]
    expected = [evaluate(program, arrays) for arrays in sets]
    failures: list[BaseException] = []

    def work(i: int) -> None:
        try:
            for _ in range(50):
                assert_same(run(sets[i]), expected[i])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
