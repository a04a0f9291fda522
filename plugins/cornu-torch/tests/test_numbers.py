"""Every dtype at its edges, beside the reference kernels: what torch lacks or does otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch_programs import BACKEND, expected, program_of, run, same

UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = ("int8", "int16", "int32", "int64", *UNSIGNED)
FLOATS = ("float16", "bfloat16", "float32", "float64")


def edges(dtype: str) -> np.ndarray:
    """All pairs of them are tried."""
    info = np.iinfo(dtype)
    numbers = {info.min, info.min + 1, info.max, info.max - 1, info.max // 2, info.max // 2 + 1, 0, 1, 2, 3, 5, 7}
    if info.min:
        numbers |= {-1, -2, -3, -7}
    return np.array(sorted(numbers), dtype)


def pairs(dtype: str) -> list[np.ndarray]:
    """Every edge with every other, long enough for torch's vectorised kernels."""
    first, second = np.meshgrid(edges(dtype), edges(dtype))
    return [first.ravel(), second.ravel()]


BINARY = ["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]


@pytest.mark.parametrize("op", [*BINARY, "BitwiseAnd", "BitwiseOr", "BitwiseXor"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_pairs_of_integers(op: str, dtype: str) -> None:
    arrays = pairs(dtype)
    made = program_of(lambda b, x, y: getattr(b, op)(x, y), *arrays)
    assert BACKEND.supports(op, (dtype, dtype), {}, "cpu")
    same(run(made, arrays), expected(made, arrays))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_powers_wrap(dtype: str) -> None:
    exponents = np.array([0, 1, 2, 3, 7, 8, 31, 63, *([] if dtype in UNSIGNED else [-1, -2, -3])], dtype)
    base, exponent = (array.ravel() for array in np.meshgrid(edges(dtype), exponents))
    made = program_of(lambda b, x, y: b.Pow(x, y), base, exponent)
    same(run(made, [base, exponent]), expected(made, [base, exponent]))


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("dtype", UNSIGNED)
def test_shifts(dtype: str, direction: str) -> None:
    amounts = np.array([0, 1, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 255, np.iinfo(dtype).max % 2**64], "uint64")
    x, amount = (array.ravel() for array in np.meshgrid(edges(dtype), np.minimum(amounts, np.iinfo(dtype).max)))
    amount = amount.astype(dtype)
    made = program_of(lambda b, x, y: b.BitShift(x, y, direction=direction), x, amount)
    same(run(made, [x, amount]), expected(made, [x, amount]))


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("target", ["bool", *INTEGERS, *FLOATS])
def test_casts_of_integers(source: str, target: str) -> None:
    x = edges(source)
    made = program_of(lambda b, x: b.Cast(x, to=target), x)
    same(run(made, [x]), expected(made, [x]), 0.0)


@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize("target", ["bool", *INTEGERS])
def test_casts_of_floats(source: str, target: str) -> None:
    info = np.iinfo(target) if target != "bool" else np.iinfo("int8")
    numbers = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 2.9, -2.9, 200.0, float(info.max), float(info.min)]
    wide = np.array([*numbers, 2.0**31, 2.0**32, 2.0**63, 2.0**64, -(2.0**63), 2.0**63 + 4096, 2.0**63 - 2048])
    with np.errstate(all="ignore"):
        x = wide.astype(np.float32).astype(source) if source in FLOATS[:2] else wide.astype(source)
    made = program_of(lambda b, x: b.Cast(x, to=target), x)
    same(run(made, [x]), expected(made, [x]))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_reductions_and_order(dtype: str) -> None:
    x = np.stack([np.roll(edges(dtype), i) for i in range(4)])

    def make(b: Any, x: Any) -> list[Any]:
        plain = {"axes": (1,), "keepdims": False}
        reduced = [getattr(b, f"Reduce{name}")(x, **plain) for name in ("Sum", "Prod", "Max", "Min")]
        places = [b.ArgMax(x, axis=1, keepdims=False), b.ArgMin(x, axis=0, keepdims=True)]
        running = [
            b.CumSum(x, axis=1, exclusive=True, reverse=True),
            b.CumProd(x, axis=0, exclusive=False, reverse=True),
        ]
        best = [part for largest in (True, False) for part in b.emit("TopK", (x,), _top(largest))]
        return [*reduced, *places, *running, *best, b.MatMul(x, b.Transpose(x, perm=(1, 0)))]

    made = program_of(make, x)
    same(run(made, [x]), expected(made, [x]))


def _top(largest: bool) -> dict[str, Any]:
    return {"k": 3, "axis": 1, "largest": largest, "sorted": True}


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_extremes_of_nothing(dtype: str) -> None:
    x = np.zeros((2, 0), dtype if dtype != "bfloat16" else np.float32)
    names = ("Max", "Min", "Sum", "Prod")
    made = program_of(
        lambda b, x: [getattr(b, f"Reduce{n}")(b.Cast(x, to=dtype), axes=(1,), keepdims=False) for n in names], x
    )
    same(run(made, [x]), expected(made, [x]))


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64"])
def test_scatters(dtype: str, reduction: str) -> None:
    data = np.resize(edges(dtype) if dtype in INTEGERS else np.array([1.5, np.nan, -2, 0.25]), (5, 3)).astype(dtype)
    places = np.array([[0], [-1], [3]] if reduction == "none" else [[0], [-1], [0], [3]])
    updates = np.roll(data, 1)[: len(places)]

    def make(b: Any, data: Any, places: Any, updates: Any) -> list[Any]:
        whole = b.ScatterND(data, places, updates, reduction=reduction)
        rows = b.Expand(places, shape=updates.shape)
        return [whole, b.ScatterElements(data, rows, updates, axis=0, reduction=reduction)]

    made = program_of(make, data, places, updates)
    same(run(made, [data, places, updates]), expected(made, [data, places, updates]))


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", *FLOATS])
def test_where_of_many(dtype: str) -> None:
    """Bit by bit, so that NaN and infinities stay what they are."""
    rng = np.random.default_rng(0)
    condition = rng.random((70, 80)) < 0.5
    bits = rng.integers(0, 256, (70, 80 * 8), np.uint8)
    kind = "uint8" if dtype == "bool" else dtype
    made = program_of(
        lambda b, c, x, y: b.Where(c, b.Cast(x, to=dtype), b.Cast(y, to=dtype)),
        condition,
        *[np.zeros((70, 80), np.float32), np.zeros((), np.float32)],
    )
    x = (bits[:, :80] % 7).astype(np.float32)
    y = np.float32(3.0)
    assert BACKEND.supports("Where", ("bool", dtype, dtype), {}, "cpu"), kind
    same(run(made, [condition, x, np.asarray(y)]), expected(made, [condition, x, np.asarray(y)]), 0.0)


def test_where_keeps_special_values() -> None:
    condition = np.arange(6000) % 3 == 0
    x = np.where(np.arange(6000) % 2 == 0, np.nan, -np.inf).astype(np.float32)
    made = program_of(lambda b, c, x, y: b.Where(c, x, y), condition, x, -x)
    same(run(made, [condition, x, -x]), [np.where(condition, x, -x)])


def test_what_would_end_the_process() -> None:
    """The least number divided by -1 is a signal of the processor in torch."""
    for dtype in ("int8", "int32", "int64"):
        x = np.full(40, np.iinfo(dtype).min, dtype)
        y = np.full(40, -1, dtype)
        made = program_of(lambda b, x, y: [b.Div(x, y), b.Mod(x, y)], x, y)
        quotient, rest = run(made, [x, y])
        assert (quotient == x).all()
        assert (rest == 0).all()


def test_random_words_are_those_of_the_specification() -> None:
    key = np.array([0xDEADBEEF, 0x12345678], np.uint32)
    made = program_of(lambda b, key: b.RandomBits(key, shape=(1001, 1000)), key)
    assert BACKEND.supports("RandomBits", ("uint32",), {"shape": (3,)}, "cpu")
    words = run(made, [key])[0].ravel()
    known = {0: "98a7bba2", 1: "20dfda38", 2: "3b0e0cee", 4095: "1d25c4a1", 4096: "f39e2019", 1000000: "b13ba719"}
    assert {i: f"{words[i]:08x}" for i in known} == known
    np.testing.assert_array_equal(words, expected(made, [key])[0].ravel())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutions_of_every_kind(dtype: str) -> None:
    """One to three axes, groups, one channel, no image, against the reference."""
    rng = np.random.default_rng(0)
    for shape, kernel, group in [
        ((2, 1, 9), (4, 1, 3), 1),
        ((2, 4, 9), (6, 2, 3), 2),
        ((3, 1, 8, 7), (5, 1, 3, 2), 1),
        ((3, 6, 8, 7), (6, 1, 3, 2), 6),
        ((0, 6, 8, 7), (6, 3, 3, 2), 2),
        ((2, 1, 6, 5, 7), (4, 1, 2, 3, 2), 1),
        ((2, 4, 6, 5, 7), (4, 2, 2, 3, 2), 2),
    ]:
        x, w = rng.normal(size=shape).astype(dtype), rng.normal(size=kernel).astype(dtype)
        offset = rng.normal(size=kernel[0]).astype(dtype)
        count = len(kernel) - 2
        for strides, dilations in (((1,) * count, (1,) * count), ((2,) * count, (2,) * count)):
            settings = {"strides": strides, "dilations": dilations, "group": group}
            if any(s < (k - 1) * d + 1 for s, k, d in zip(shape[2:], kernel[2:], dilations, strict=True)):
                continue

            def make(b: Any, x: Any, w: Any, offset: Any, settings: Any = settings, kernel: Any = kernel) -> list[Any]:
                from cornu.ir.differentiate import vjp_program

                y = b.Conv(x, w, **settings)
                column = b.Reshape(offset, shape=(1, kernel[0], *(1,) * (len(kernel) - 2)))
                forward = b.finish([b.Add(y, column)])
                rule = vjp_program(forward, [True, True, True])
                return [*forward.outputs, *b.inline(rule, [x, w, offset, b.Add(y, column)])]

            made = program_of(make, x, w, offset)
            same(run(made, [x, w, offset]), expected(made, [x, w, offset]), 2e-4 if dtype == "float32" else 1e-10)
