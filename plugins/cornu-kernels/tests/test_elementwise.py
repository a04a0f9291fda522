"""Chains of elementwise operators in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cornu.ir.types import TensorType
from cornu_kernels.elementwise import INSTRUCTIONS
from cornu_kernels.fusing import fuse, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_programs import check, names, program_of

RNG = np.random.default_rng(0)
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-30, 3e38, -3e38, 88.5, -88.0, -103.0], "float32")
UNARY = ("Neg", "Abs", "Sign", "Sqrt", "Reciprocal", "Exp", "Tanh", "Sigmoid", "Relu")
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min")
COMPARISONS = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize("op", UNARY)
def test_functions(op: str) -> None:
    """Each is right for ordinary and special numbers, in long and short arrays."""
    for x in (SPECIAL, numbers(3, 7), np.linspace(-100, 90, 70_001, dtype="float32")):
        found = check(program_of(lambda b, x: b.Neg(b.emit(op, [x], {})[0]), x), [x])
        assert found == ["Elementwise"]


@pytest.mark.parametrize("op", BINARY)
def test_operators(op: str) -> None:
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    assert check(program_of(lambda b, x, y: b.Neg(b.emit(op, [x, y], {})[0]), x, y), [x, y]) == ["Elementwise"]


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_and_choices(op: str) -> None:
    """Truths stay inside, or come in; what goes out are numbers."""
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    mask = RNG.random(x.shape) < 0.5

    def make(b: Any, x: Any, y: Any, mask: Any) -> Any:
        truth = b.emit(op, [x, y], {})[0]
        both, either = b.And(truth, mask), b.Or(truth, b.Not(mask))
        return b.Where(both, x, y), b.Cast(either, to="float32")

    assert check(program_of(make, x, y, mask), [x, y, mask]) == ["Elementwise"]


def test_every_instruction_is_tested() -> None:
    assert {*UNARY, *BINARY, *COMPARISONS, "And", "Or", "Not", "Where", "Cast", "Copy"} == set(INSTRUCTIONS)


def test_exp_and_tanh_to_the_last_places() -> None:
    """Within two units in the last place of float64's results."""
    x = np.linspace(-80, 80, 100_003, dtype="float32")
    for op, exact in (("Exp", np.exp), ("Tanh", np.tanh), ("Sigmoid", lambda v: 1 / (1 + np.exp(-v)))):
        small = np.concatenate([x, x / 1000])
        want = exact(small.astype("float64"))
        check(program_of(lambda b, x, op=op: b.Neg(b.emit(op, [x], {})[0]), small), [small], tolerance=3e-7)
        assert np.isfinite(want).all()


@pytest.mark.parametrize(
    ("shape", "inner", "count"),
    [((), 1, 1), ((1,), 1, 1), ((4,), 1, 4), ((3, 4), 1, 12), ((2, 1, 1), 12, 2), ((3, 1), 4, 3), ((2, 3, 4), 1, 24)],
)
def test_broadcasting(shape: tuple[int, ...], inner: int, count: int) -> None:
    assert spread(shape, (2, 3, 4)) == (inner, count)
    x, y = numbers(2, 3, 4), numbers(*shape)
    program = program_of(lambda b, x, y: b.Mul(b.Add(x, y), b.Sub(y, x)), x, y)
    assert check(program, [x, y]) == ["Elementwise"]


def test_what_is_spread_otherwise_stays() -> None:
    assert spread((2, 1, 4), (2, 3, 4)) is None
    x, y = numbers(2, 3, 4), numbers(2, 1, 4)
    assert check(program_of(lambda b, x, y: b.Neg(b.Exp(b.Add(x, y))), x, y), [x, y]) == ["Add", "Elementwise"]


@pytest.mark.parametrize("size", [1, 511, 512, 513, 24_576, 100_000])
def test_blocks_and_tasks(size: int) -> None:
    """Whatever does not fill a block or a task is computed all the same."""
    x, row = numbers(3, size), numbers(size)
    assert check(program_of(lambda b, x, row: b.Sqrt(b.Abs(b.Mul(x, row))), x, row), [x, row]) == ["Elementwise"]


def test_a_way_around_is_no_circle() -> None:
    """x -> sum -> y, where x and y both read the same chain, cannot be one node."""
    x = numbers(5, 6)

    def make(b: Any, x: Any) -> Any:
        first = b.Exp(b.Neg(x))
        total = b.ReduceSum(first, axes=(1,), keepdims=True)
        return b.Neg(b.Div(first, total))

    assert check(program_of(make, x), [x]) == ["Elementwise", "ReduceSum", "Elementwise"]


def test_masks_are_computed_where_they_are_needed() -> None:
    """What only a later chain needs is not stored in between."""
    x, g = numbers(8, 8), numbers(8, 8)

    def make(b: Any, x: Any, g: Any) -> Any:
        mask = b.Cast(b.Greater(x, 0.0), to="float32")
        return b.Mul(b.MatMul(g, g), mask)

    assert check(program_of(make, x, g), [x, g]) == ["MatMul", "Elementwise"]


def test_long_chains_are_cut() -> None:
    x = numbers(40)

    def make(b: Any, x: Any) -> Any:
        for _ in range(100):
            x = b.Tanh(b.Neg(x))
        return x

    found = check(program_of(make, x), [x], tolerance=1e-5)
    assert found == ["Elementwise"] * 7  # 200 nodes, 32 at most in each


def test_many_constants_and_many_parts() -> None:
    """As many operands and results as one node may have."""
    x = numbers(40, 16)

    def constants(b: Any, x: Any) -> Any:
        mask = b.Greater(x, 0.0)
        for k in range(40):
            x = b.Add(x, b.Where(mask, b.constant(np.float32(k + 0.5)), b.constant(np.float32(-k - 0.25))))
        return x

    check(program_of(constants, x), [x], tolerance=1e-5)

    def parts(b: Any, x: Any) -> Any:
        made = [b.Add(b.Mul(x, float(k)), 1.0) for k in range(15)]
        return [*made, b.Concat(*made, axis=1), b.Concat(*made[::-1], axis=1), b.Concat(*made, *made, axis=1)]

    check(program_of(parts, x), [x])


@pytest.mark.parametrize(("op", "dtype"), [("Exp", "float64"), ("Log", "float32"), ("Exp", "float32")])
def test_small_tensors_alike(op: str, dtype: str) -> None:
    """Lanes of what the kernel computes are one node of it; others are put together."""
    arrays = [np.abs(RNG.normal(size=(k, 3))).astype(dtype) for k in range(2, 10)]
    program = program_of(lambda b, *xs: [b.Neg(b.Mul(b.emit(op, [x], {})[0], x)) for x in xs], *arrays)
    found = check(program, arrays)
    if (op, dtype) == ("Exp", "float32"):
        assert found == ["Elementwise"]
    else:
        assert found.count("Concat") == 1


def test_chains_inside_of_loops() -> None:
    x = numbers(6, 4, 4)

    def make(b: Any, x: Any) -> Any:
        from cornu.ir.builder import Builder

        body = Builder("scan")
        carry, item = body.input(TensorType("float32", (4, 4))), body.input(TensorType("float32", (4, 4)))
        carried = body.Tanh(body.Add(body.Mul(carry, 0.5), item))
        start = b.Mul(b.Reshape(b.Slice(x, starts=(0,), ends=(1,), axes=(0,), steps=(1,)), shape=(4, 4)), 0.0)
        return b.emit(
            "Scan",
            [start, x],
            {"body": body.finish([carried, carried]), "carries": 1, "sequences": 1, "length": 6, "reverse": False},
        )

    check(program_of(make, x), [x])


def test_parts_side_by_side_are_read_and_written_in_place() -> None:
    """Gates: parts of one tensor, and results put together again."""
    x, c = numbers(70, 36), numbers(70, 12)

    def make(b: Any, x: Any, c: Any) -> Any:
        first, rest = b.emit("Split", [x], {"axis": 1, "sizes": (12, 24)})
        second, third = b.emit("Split", [rest], {"axis": 1, "sizes": (12, 12)})
        after = b.Add(b.Mul(first, c), b.Mul(second, b.Tanh(third)))
        return after, b.Concat(b.Tanh(after), b.Neg(third), first, axis=1), b.Concat(after, after, axis=1)

    found = check(program_of(make, x, c), [x, c])
    assert found.count("Elementwise") == 1
    assert sorted(found) == ["Concat", "Elementwise", "Neg", "Split", "Split"]  # with a part as it is in it


def test_recurrent_steps_are_two_nodes() -> None:
    """A product, and everything else at once, there and back."""
    import cornu as keras
    from cornu.ir.passes import prepare
    from cornu_kernels import Kernels
    from cornu_onnxruntime.lowering import lower as lowered
    from kernel_programs import BACKEND

    layer = keras.layers.LSTM(16)
    layer.build((5, 7, 3))

    @keras.function
    def step(x: Any) -> Any:
        with keras.GradientTape() as tape:
            y = keras.ops.sum(layer(x))
        return y, *tape.gradient(y, layer.trainable_variables)

    program = prepare(step.traced(np.ones((5, 7, 3), "float32")).compiled.program, BACKEND)
    bodies = [body for node in lowered(program, kernels=Kernels()).nodes for body in node.bodies.values()]
    loops = [names(body) for body in bodies if "MatMul" in names(body)]
    assert [sorted(loop) for loop in loops] == [["Elementwise", "MatMul"]] * 2


@st.composite
def chains(draw: st.DrawFn) -> tuple[Any, list[np.ndarray]]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    first = draw(st.integers(0, len(shape)))
    arrays = [numbers(*shape), numbers(*shape), numbers(*shape[first:])]
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["Add", "Mul", "Max", "Where", "Tanh", "Sum"]), st.integers(0, 9), st.integers(0, 9)
            ),
            min_size=2,
            max_size=12,
        )
    )

    def make(b: Any, *inputs: Any) -> Any:
        made = list(inputs)
        for op, i, j in steps:
            x, y = made[-1 - i % len(made)], made[-1 - j % len(made)]
            if op == "Sum":
                made.append(b.ReduceSum(x, axes=(x.type.rank - 1,), keepdims=True) if x.type.rank else x)
            elif op == "Where":
                made.append(b.Where(b.Greater(x, y), y, x))
            elif op == "Tanh":
                made.append(b.Tanh(x))
            else:
                made.append(b.emit(op, [x, y], {})[0])
        return made[3:]

    return make, arrays


@given(chains())
@settings(max_examples=60, deadline=None)
def test_any_chain(drawn: tuple[Any, list[np.ndarray]]) -> None:
    make, arrays = drawn
    check(program_of(make, *arrays), arrays, tolerance=1e-5)


def test_nothing_to_join() -> None:
    x = numbers(3, 3)
    program = program_of(lambda b, x: b.MatMul(x, x), x)
    assert fuse(program, lambda node: True) is program
    assert names(program) == ["MatMul"]
