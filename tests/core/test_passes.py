"""Passes keep a program's meaning and leave as many nodes as an expert would by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cornu.ir.builder import Builder
from cornu.ir.dim import Dim, symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes import common_subexpressions, dead_code, fold, freeze, inline, optimise, simplify
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu.ir.verify import verify
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import assert_same, cnn, count, draw, f32, mlp
from random_programs import programs

pytestmark = pytest.mark.usefixtures("passes_on")
N = symbol("n")
SIZES = (0, 1, 7)


def program(make: Callable[..., Value | list[Value]], *types: TensorType) -> Program:
    b = Builder("test")
    result = make(b, *[b.input(type, f"x{i}") for i, type in enumerate(types)])
    return b.finish(result if isinstance(result, list) else [result])


def check(before: Program, after: Program, sizes: tuple[int, ...] = SIZES) -> None:
    verify(after)
    for n in sizes:
        given = {"n": n, "m": n + 2}
        arrays = draw(before, given, seed=n)
        assert_same(evaluate(before, arrays, given), evaluate(after, arrays, given))


def left(before: Program, sizes: tuple[int, ...] = SIZES) -> list[str]:
    """The operators that optimising leaves, constants aside."""
    after = optimise(before)
    check(before, after, sizes)
    return [node.op for node in after.nodes if node.op != "Constant"]


# -- dead code -----------------------------------------------------------------------------------------------------


def test_unused_nodes_go() -> None:
    before = program(lambda b, x: (b.Exp(x), b.Neg(x))[1], f32(N))
    after = dead_code(before)
    assert [node.op for node in after.nodes] == ["Neg"]
    assert dead_code(after) is after


def body(make: Callable[..., list[Value]], *types: TensorType) -> Program:
    return program(make, *types)


def test_scan_loses_unused_results_carries_and_operands() -> None:
    step = body(
        lambda b, used, counter, idle, element, constant, unread: [
            b.Add(used, b.Mul(counter, element)),
            b.Add(counter, constant),
            b.Mul(idle, element),
            b.Exp(element),
            b.Neg(used),
        ],
        *[f32()] * 6,
    )

    def loop(b: Builder, *xs: Value) -> list[Value]:
        outputs = b.emit("Scan", xs, {"body": step, "carries": 3, "sequences": 1, "length": N, "reverse": False})
        return [outputs[0], outputs[4]]

    before = program(loop, f32(), f32(), f32(), f32(N), f32(), f32())
    after = dead_code(before)
    check(before, after)
    (scan,) = after.nodes
    # `counter` is not read outside, but `used` needs it; `idle`, the third result and the last constant are not needed.
    assert (len(scan.inputs), scan.attributes["carries"], len(scan.outputs)) == (4, 2, 3)
    assert count(after, "Exp") == 0


def test_scan_keeps_a_carry_that_only_passes_through() -> None:
    step = body(lambda b, swap, other: [other, swap], f32(), f32())
    attributes = {"body": step, "carries": 2, "sequences": 0, "length": N, "reverse": False}
    before = program(lambda b, x, y: [b.emit("Scan", (x, y), attributes)[0]], f32(), f32())
    check(before, dead_code(before))


def test_branches_lose_unused_results_and_operands() -> None:
    then = body(lambda b, x, y, z: [b.Exp(x), b.Neg(y)], f32(N), f32(N), f32(N))
    otherwise = body(lambda b, x, y, z: [x, b.Abs(z)], f32(N), f32(N), f32(N))
    for condition in (True, False):
        before = program(
            lambda b, x, y, z, c=condition: [b.If(b.constant(c), x, y, z, then=then, otherwise=otherwise)[0]],
            *[f32(N)] * 3,
        )
        after = dead_code(before)
        check(before, after)
        assert len(after.nodes[-1].inputs) == 2
        assert count(after, "Neg") == count(after, "Abs") == 0


def test_while_keeps_what_its_condition_reads() -> None:
    condition = body(lambda b, i, total, spare, limit: [b.Less(i, limit)], *[f32()] * 4)
    step = body(lambda b, i, total, spare, limit: [b.Add(i, 1), b.Add(total, i), b.Mul(spare, 2)], *[f32()] * 4)

    def loop(b: Builder, x: Value) -> list[Value]:
        operands = (b.constant(0.0, "float32"), x, x, b.constant(5.0, "float32"))
        return [b.emit("While", operands, {"condition": condition, "body": step, "carries": 3})[1]]

    before = program(loop, f32())
    after = dead_code(before)
    check(before, after)
    assert after.nodes[-1].attributes["carries"] == 2


def call(inner: Program, primals: int = 0, vjp: Program | None = None) -> Callable[..., list[Value]]:
    return lambda b, *xs: list(b.emit("Call", xs, {"name": "Thing", "body": inner, "vjp": vjp, "primals": primals}))


def test_composite_keeps_its_places_and_loses_residuals_only() -> None:
    inner = body(lambda b, x, y: [b.Neg(x), b.Abs(x), b.Exp(y)], f32(N), f32(N))
    before = program(lambda b, x, y: call(inner, primals=2)(b, x, y)[:1], f32(N), f32(N))
    after = dead_code(before)
    check(before, after)
    (node,) = after.nodes
    assert (len(node.inputs), len(node.outputs)) == (2, 2)
    assert count(after, "Exp") == 0


# -- folding -------------------------------------------------------------------------------------------------------


def test_constants_fold_through_chains() -> None:
    before = program(lambda b, x: b.Mul(x, b.Exp(b.Neg(b.constant(np.ones(3, np.float32))))), f32(N, 3))
    assert left(before) == ["Mul"]
    value = next(node.attributes["value"] for node in optimise(before).nodes if node.op == "Constant")
    np.testing.assert_allclose(value, np.full(3, 1 / np.e), rtol=1e-6)


def test_known_sizes_fold_and_symbolic_ones_stay() -> None:
    assert left(program(lambda b, x: b.Mul(x, b.DimValue(size=4)), TensorType("int64", (N,)))) == ["Mul"]
    assert left(program(lambda b, x: b.Mul(x, b.DimValue(size=N)), TensorType("int64", (N,)))) == ["DimValue", "Mul"]
    assert left(program(lambda b: b.Range(start=2, step=3, size=4, dtype="int32"))) == []


def test_nothing_large_is_made() -> None:
    before = program(lambda b: b.Expand(b.constant(1.5, "float32"), shape=(1000, 1000)))
    assert left(before) == ["Expand"]
    before = program(lambda b: b.Mul(b.Range(start=0, step=1, size=10**6, dtype="float32"), 2.0))
    assert left(before) == ["Range", "Mul"]


def test_large_constants_are_laid_out_at_once() -> None:
    weights = np.random.default_rng(0).standard_normal((300, 200)).astype(np.float32)
    before = program(lambda b, x: b.MatMul(x, b.Transpose(b.constant(weights), perm=(1, 0))), f32(N, 200))
    assert left(before) == ["MatMul"]


def test_barriers_are_not_folded() -> None:
    before = program(lambda b: b.emit("Barrier", (b.constant(np.ones(3)), b.constant(1.0)), {})[0])
    assert left(before) == ["Barrier"]


def test_what_fails_is_left_to_fail_when_it_runs() -> None:
    before = program(lambda b: b.Gather(b.constant(np.ones(3, np.float32)), b.constant(np.int64(7)), axis=0))
    after = fold(before)
    assert [node.op for node in after.nodes] in (["Constant", "Constant", "Gather"], ["Constant"] * 3)


# -- common subexpressions -----------------------------------------------------------------------------------------


def test_equal_nodes_are_one_whatever_the_order_of_operands() -> None:
    before = program(lambda b, x, y: b.Mul(b.Exp(b.Add(x, y)), b.Exp(b.Add(y, x))), f32(N), f32(N))
    after = dead_code(common_subexpressions(before))
    check(before, after)
    assert [node.op for node in after.nodes] == ["Add", "Exp", "Mul"]


def test_attributes_that_only_look_equal_are_different() -> None:
    before = program(lambda b, x: [b.Mul(x, b.constant(0.0, "float32")), b.Mul(x, b.constant(-0.0, "float32"))], f32(N))
    assert count(common_subexpressions(before), "Mul") == 2
    before = program(
        lambda b, x: [b.ReduceSum(x, axes=(0,), keepdims=True), b.ReduceSum(x, axes=(0,), keepdims=False)], f32(N)
    )
    assert count(common_subexpressions(before), "ReduceSum") == 2


def test_barriers_are_never_merged() -> None:
    recompute = body(lambda b, x, y: [b.Exp(b.emit("Barrier", (x, y), {})[0])], f32(N), f32(N))

    def twice(b: Builder, x: Value, y: Value) -> list[Value]:
        return [call(recompute)(b, x, y)[0], call(recompute)(b, x, y)[0]]

    before = program(twice, f32(N), f32(N))
    assert count(optimise(before), "Exp") == 2
    assert count(optimise(inline(before, lambda node: False)), "Exp") == 2


def test_equal_composites_are_one() -> None:
    def once_more() -> Program:
        return body(lambda b, x: [b.Exp(x)], f32(N))

    before = program(lambda b, x: b.Add(call(once_more())(b, x)[0], call(once_more())(b, x)[0]), f32(N))
    assert count(optimise(before), "Call") == 1


# -- simplification ------------------------------------------------------------------------------------------------


def turned(b: Builder, x: Value, axis: int, start: int | None = None) -> Value:
    """The elements of an axis from `start`, by default the last, to the first."""
    start = x.shape[axis] - 1 if start is None else start
    return b.Slice(x, starts=(start,), ends=(-1,), axes=(axis,), steps=(-1,))


RULES: list[tuple[str, Callable[..., Value | list[Value]], tuple[TensorType, ...], list[str]]] = [
    ("times one", lambda b, x: b.Mul(x, 1.0), (f32(N),), []),
    ("plus zero", lambda b, x: b.Add(b.constant(0.0, "float32"), x), (f32(N),), []),
    ("minus zero", lambda b, x: b.Sub(x, 0.0), (f32(N),), []),
    ("over one", lambda b, x: b.Div(x, 1.0), (f32(N),), []),
    ("twice negated", lambda b, x: b.Neg(b.Neg(x)), (f32(N),), []),
    ("stop gradient", lambda b, x: b.StopGradient(b.Identity(x)), (f32(N),), []),
    ("plus negated", lambda b, x, y: b.Add(x, b.Neg(y)), (f32(N), f32(N)), ["Sub"]),
    ("minus negated", lambda b, x, y: b.Sub(x, b.Neg(y)), (f32(N), f32(N)), ["Add"]),
    ("negated factors", lambda b, x, y: b.Mul(b.Neg(x), b.Neg(y)), (f32(N), f32(N)), ["Mul"]),
    ("sign moves out", lambda b, x, y: b.Add(y, b.Mul(b.Neg(x), y)), (f32(N), f32(N)), ["Mul", "Sub"]),
    ("constant factors", lambda b, x: b.Mul(b.Mul(x, 3.0), 0.5), (f32(N),), ["Mul"]),
    ("quotient and factor", lambda b, x: b.Neg(b.Mul(b.Div(x, 4.0), 6.0)), (f32(N),), ["Mul"]),
    ("square", lambda b, x: b.Pow(x, 2.0), (f32(N),), ["Mul"]),
    ("same cast", lambda b, x: b.Cast(x, to="float32"), (f32(N),), []),
    ("cast there and back", lambda b, x: b.Cast(b.Cast(x, to="float64"), to="float32"), (f32(N),), []),
    ("lossy casts", lambda b, x: b.Cast(b.Cast(x, to="int8"), to="float32"), (f32(N),), ["Cast", "Cast"]),
    ("reshapes", lambda b, x: b.Reshape(b.Reshape(x, shape=(3, N)), shape=(N, 3)), (f32(N, 3),), []),
    ("transposes", lambda b, x: b.Transpose(b.Transpose(x, perm=(1, 2, 0)), perm=(2, 0, 1)), (f32(N, 3, 4),), []),
    ("moving ones", lambda b, x: b.Transpose(x, perm=(0, 2, 3, 1)), (f32(N, 1, 3, 4),), ["Reshape"]),
    ("expand to itself", lambda b, x: b.Expand(x, shape=(N, 3)), (f32(N, 3),), []),
    ("scalar factor", lambda b, x, s: b.Mul(x, b.Expand(s, shape=(N, 3))), (f32(N, 3), f32()), ["Mul"]),
    (
        "bias",
        lambda b, x, c: b.Add(x, b.Expand(b.Reshape(c, shape=(1, 1, 3)), shape=(N, 2, 3))),
        (f32(N, 2, 3), f32(3)),
        ["Add"],
    ),
    ("late expand", lambda b, s: b.Exp(b.Mul(b.Expand(s, shape=(N, 3)), 2.0)), (f32(),), ["Mul", "Exp", "Expand"]),
    ("whole slice", lambda b, x: b.Slice(x, starts=(0,), ends=(N,), axes=(0,), steps=(1,)), (f32(N, 3),), []),
    (
        "slice of slice",
        lambda b, x: b.Slice(
            b.Slice(x, starts=(1,), ends=(6,), axes=(1,), steps=(1,)), starts=(2,), ends=(4,), axes=(1,), steps=(1,)
        ),
        (f32(N, 8),),
        ["Slice"],
    ),
    ("turned twice", lambda b, x: turned(b, turned(b, x, 1), 1), (f32(N, 3),), []),
    ("a part turned twice", lambda b, x: turned(b, turned(b, x, 1, 1), 1), (f32(N, 3),), ["Slice", "Slice"]),
    ("turned both ways", lambda b, x: turned(b, turned(b, x, 1), 0), (f32(N, 3),), ["Slice", "Slice"]),
    ("no pad", lambda b, x: b.Pad(x, before=(0,), after=(0,), value=0.0, mode="constant"), (f32(N),), []),
    ("concat of one", lambda b, x: b.Concat(x, axis=0), (f32(N),), []),
    ("split of one", lambda b, x: list(b.emit("Split", (x,), {"axis": 0, "sizes": (N,)})), (f32(N),), []),
    (
        "split and joined",
        lambda b, x: b.Concat(*b.emit("Split", (x,), {"axis": 1, "sizes": (1, 3)}), axis=1),
        (f32(N, 4),),
        [],
    ),
    ("sum of ones", lambda b, x: b.ReduceSum(x, axes=(1,), keepdims=False), (f32(N, 1),), ["Reshape"]),
    ("sum over nothing", lambda b, x: b.ReduceSum(x, axes=(), keepdims=False), (f32(N, 3),), []),
    (
        "sum of repeated",
        lambda b, x: b.ReduceSum(b.Expand(x, shape=(N, 4)), axes=(1,), keepdims=False),
        (f32(N, 1),),
        ["Reshape", "Mul"],
    ),
    ("known choice", lambda b, x, y: b.Where(b.constant(True), x, y), (f32(N), f32(N)), []),
    (
        "sum of sum",
        lambda b, x: b.ReduceSum(b.ReduceSum(x, axes=(1,), keepdims=False), axes=(0,), keepdims=False),
        (f32(N, 3, 4),),
        ["ReduceSum"],
    ),
]


@pytest.mark.parametrize(("make", "types", "expected"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_rules(make: Callable[..., Value], types: tuple[TensorType, ...], expected: list[str]) -> None:
    assert sorted(left(program(make, *types))) == sorted(expected)


def test_zero_times_nan_stays_nan() -> None:
    before = program(lambda b, x: b.Mul(x, b.Expand(b.constant(0.0, "float32"), shape=(3,))), f32(3))
    (result,) = evaluate(optimise(before), [np.array([1.0, np.nan, np.inf], np.float32)])
    np.testing.assert_array_equal(result, [0.0, np.nan, np.nan])


def test_an_infinity_repeated_no_times_sums_to_nothing() -> None:
    before = program(lambda b, s, x: b.ReduceSum(b.Expand(s, shape=(N,)), axes=(0,), keepdims=False), f32(), f32(N))
    (result,) = evaluate(optimise(before), [np.full((), np.inf, np.float32), np.ones(0, np.float32)])
    assert result == 0


def test_infinities_in_an_axis_of_size_zero_sum_to_nothing() -> None:
    before = program(lambda b, s: b.ReduceSum(b.Expand(s, shape=(0, 3)), axes=(0,), keepdims=False), f32())
    (result,) = evaluate(optimise(before), [np.full((), np.inf, np.float32)])
    np.testing.assert_array_equal(result, np.zeros(3))


def test_constant_factors_do_not_overflow_together() -> None:
    before = program(lambda b, x: b.Mul(b.Mul(x, 1e-30), 1e-30), f32(2))
    (result,) = evaluate(optimise(before), [np.array([1e30, 1e38], np.float32)])
    np.testing.assert_allclose(result, [1e-30, 1e-22], rtol=1e-6)


def test_integers_wrap_as_before() -> None:
    before = program(lambda b, x: b.Mul(b.Mul(x, 100), 3), TensorType("int8", (N,)))
    assert left(before) == ["Mul"]


def test_rules_apply_in_bodies() -> None:
    step = body(lambda b, x: [b.Mul(b.Add(x, 0.0), 1.0)], f32(N))
    before = program(lambda b, x: call(step)(b, x), f32(N))
    assert count(simplify(before), "Mul") == 0 or count(optimise(before), "Mul") == 0


# -- loops ---------------------------------------------------------------------------------------------------------


def test_scan_computes_once_what_no_step_changes() -> None:
    def step(b: Builder, h: Value, x: Value, zero: Value, w: Value) -> list[Value]:
        turned = b.Exp(b.Transpose(w, perm=(1, 0)))
        return [b.Add(b.MatMul(b.Add(h, zero), turned), x), b.Mul(h, turned)]

    inner = body(step, *[f32(2, 2)] * 4)
    attributes = {"body": inner, "carries": 1, "sequences": 2, "length": N, "reverse": True}

    def loop(b: Builder, h: Value, xs: Value, w: Value) -> list[Value]:
        zeros = b.Expand(b.constant(0.0, "float32"), shape=(N, 2, 2))
        return list(b.emit("Scan", (h, xs, zeros, w), attributes))

    before = program(loop, f32(2, 2), f32(N, 2, 2), f32(2, 2))
    after = optimise(before)
    check(before, after)
    (scan,) = [node for node in after.nodes if node.op == "Scan"]
    assert (scan.attributes["sequences"], len(scan.inputs)) == (1, 3)
    assert [node.op for node in scan.attributes["body"].nodes] == ["MatMul", "Add", "Mul"]
    assert [node.op for node in after.nodes if node is not scan] == ["Transpose", "Exp"]


def test_what_leaves_a_scan_keeps_its_place() -> None:
    inner = body(lambda b, h, w: [b.Sub(b.Mul(h, b.Exp(w)), b.Neg(b.Sin(w)))], f32(2), f32(2))
    attributes = {"body": inner, "carries": 1, "sequences": 0, "length": N, "reverse": False}
    before = program(lambda b, h, w, n: list(b.emit("Scan", (h, w), attributes)), f32(2), f32(2), f32(N))
    after = optimise(before)
    check(before, after)
    assert {node.op for node in after.nodes} == {"Exp", "Sin", "Scan"}


def test_sequence_of_repeated_elements_becomes_a_constant() -> None:
    inner = body(lambda b, h, x: [b.Add(h, x)], f32(2), f32(2))
    attributes = {"body": inner, "carries": 1, "sequences": 1, "length": N, "reverse": False}
    for shape in ((2,), (1, 2), (1, 1)):
        before = program(
            lambda b, h, x, n: list(b.emit("Scan", (h, b.Expand(x, shape=(N, 2))), attributes)),
            f32(2),
            f32(*shape),
            f32(N),
        )
        after = optimise(before)
        check(before, after)
        assert after.nodes[-1].attributes["sequences"] == 0


# -- inlining and freezing -----------------------------------------------------------------------------------------


def test_inlining_keeps_what_it_is_told_to_and_names_layers() -> None:
    inner = body(lambda b, x: [b.Exp(x)], f32(N))
    b = Builder("outer")
    x = b.input(f32(N))
    with b.scoped("dense"):
        y = b.emit("Call", (x,), {"name": "A", "body": inner})[0]
    z = b.emit("Call", (y,), {"name": "B", "body": inner})[0]
    before = b.finish([z])
    after = inline(before, lambda node: node.attributes["name"] == "B")
    check(before, after)
    assert [(node.op, node.scope) for node in after.nodes] == [("Exp", "dense"), ("Call", "")]
    assert count(inline(before, lambda node: False), "Call") == 0


def test_freezing_makes_constants_and_sizes_known() -> None:
    before = program(lambda b, x, w: b.MatMul(x, w), f32(N, symbol("m")), f32(symbol("m"), 2))
    weights = np.arange(6, dtype=np.float32).reshape(3, 2)
    after = freeze(before, {1: weights})
    verify(after)
    assert [str(value.type) for value in after.inputs] == ["float32[n, 3]"]
    x = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(evaluate(after, [x])[0], x @ weights)
    assert after.nodes[0].attributes["value"] is weights


def test_freezing_refuses_what_does_not_fit() -> None:
    before = mlp(train=False)
    with pytest.raises(ValueError, match=r"Input 1 \(w\) of mlp is float32\[20, 16\], got .*float64"):
        freeze(before, {1: np.zeros((20, 16))})
    with pytest.raises(ValueError, match="5 inputs; none at 9"):
        freeze(before, {9: np.zeros(3)})


# -- whole programs ------------------------------------------------------------------------------------------------


def test_mlp_train_step_keeps_only_its_arithmetic() -> None:
    before = mlp(train=True)
    after = optimise(before)
    check(before, after, (1, 7))
    assert count(after, "Expand") == 0
    assert count(after, "MatMul") == 5  # two forward, two for weights, one for the hidden layer; none for the input
    assert count(after, "Reshape") <= 2


def test_passes_reach_a_fixed_point() -> None:
    for before in (mlp(train=True), cnn(train=True)):
        after = optimise(before)
        assert optimise(after) is after


@pytest.mark.parametrize("train", [False, True])
def test_cnn_keeps_its_meaning(train: bool) -> None:
    before = cnn(train=train)
    check(before, optimise(inline(before, lambda node: False)), (1, 3))


def test_sizes_stay_symbolic() -> None:
    after = optimise(mlp(train=False))
    assert all(isinstance(value.shape[0], Dim) for value in after.outputs)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(programs(), st.sampled_from(SIZES))
def test_random_programs_keep_their_meaning(before: Program, n: int) -> None:
    after = optimise(before)
    verify(after)
    assert len(after.nodes) <= len(before.nodes)
    arrays = draw(before, {"n": n}, seed=n)
    with np.errstate(all="ignore"):
        assert_same(evaluate(before, arrays), evaluate(after, arrays), 1e-4)
