"""What `supports` promises, measured with numbers that are hard to get right."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from cornu.ir.types import numpy_dtype
from cornu_openvino.support import HELD, Place, place
from running import BACKEND, check

FLOATS = np.array(
    [
        *(0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 2e-38, 1e-10, 1e-4, 10, 88),
        *(89, -88, -104, 2.0**24, 2.0**31, 1e20, 7.3, -7.3, 0.1, 300, -300, 6e4, 7e4, -1e-3),
    ],
    np.float32,
)
INTEGERS = np.array(
    [
        *(0, 1, -1, 2, -2, 7, -7, 127, 128, -129, 255, 256, 65537, 2**24, 2**24 + 1, -(2**24) - 1, 2**30 + 3, 46341),
        *(2**31 - 1, -(2**31), -(2**31) + 1),
    ],
    np.int32,
)
ROUNDED = ["Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Relu", "IsNaN", "IsInf"]
TRANSCENDENT = [
    "Exp",
    "Log",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Tanh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Erf",
    "Sigmoid",
]
COMPARISONS = ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]
BINARY = ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", *COMPARISONS]
BITWISE = ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]
INTEGER_BINARY = ["Add", "Sub", "Mul", "Max", "Min", "Div", "Mod", "Pow", *COMPARISONS, *BITWISE]


def pairs(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each number with each."""
    x, y = np.meshgrid(numbers, numbers)
    return x.ravel().copy(), y.ravel().copy()


@pytest.mark.parametrize("op", ROUNDED + TRANSCENDENT)
@pytest.mark.parametrize("count", [1, 3, 100])
def test_functions_of_one_float(op: str, count: int) -> None:
    x = np.resize(np.roll(FLOATS, -8), count)
    check(lambda b, x: getattr(b, op)(x), x, tolerance=1e-5)


@pytest.mark.parametrize("op", BINARY)
def test_functions_of_two_floats(op: str) -> None:
    x, y = pairs(FLOATS)
    check(lambda b, x, y: getattr(b, op)(x, y), x, y, tolerance=1e-5)
    for number in (np.nan, 0.0, 2.0, -np.inf):
        check(lambda b, x, number=number: getattr(b, op)(x, number), x, tolerance=1e-5)
        check(lambda b, x, number=number: getattr(b, op)(b.constant(number, "float32"), x), x, tolerance=1e-5)


def test_nan_between_bounds() -> None:
    def make(b, x):  # type: ignore[no-untyped-def]
        low, high = b.constant(-1.0, "float32"), b.constant(6.0, "float32")
        clipped = [b.Max(b.Min(x, high), low), b.Min(high, b.Max(low, x)), b.Min(b.Max(low, x), high)]
        return [*clipped, b.Min(b.Relu(x), high), b.Min(high, b.Relu(x)), b.Max(b.Neg(x), low)]

    check(make, FLOATS)


def test_quotients_are_exact() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 30, 37)).astype(np.float32)
    check(lambda b, x, y: [b.Div(x, x), b.Div(x, y), b.Div(x, 3.0), b.Floor(b.Div(x, x))], x, y, tolerance=0)


def test_quotients_behind_other_operators() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32)
    numbers = np.arange(1, 9, dtype=np.float32)
    kernel = {"strides": (1, 1), "dilations": (1, 1), "group": 1}

    def make(b, x, y):  # type: ignore[no-untyped-def]
        image = b.Conv(b.Reshape(x, shape=(1, 1, 8, 8)), b.Reshape(y, shape=(1, 1, 8, 8)), **kernel)
        results = [b.MatMul(x, y), b.ReduceSum(x, axes=(0,), keepdims=False), b.Tanh(x), image, b.Add(y, 1.0)]
        dividends = [
            b.constant(2.0, "float32"),
            b.constant(numbers),
            b.Reshape(b.constant(np.tile(numbers, 8)), shape=(8, 8)),
            x,
        ]
        return [b.Div(over, under) for over in dividends for under in results]

    check(make, x, y, tolerance=1e-4)


@pytest.mark.parametrize("op", INTEGER_BINARY)
def test_functions_of_two_integers(op: str) -> None:
    x, y = pairs(INTEGERS)
    check(lambda b, x, y: getattr(b, op)(x, y), x, y)
    check(lambda b, x: getattr(b, op)(x, 2**24 + 1), x)
    check(lambda b, x, y: getattr(b, op)(x, y), x.astype(np.int64) * 2**20, y.astype(np.int64))
    if op != "Pow":
        check(lambda b, x, y: getattr(b, op)(x, y), x.astype(np.uint32), y.astype(np.uint32))


@pytest.mark.parametrize("op", ["Neg", "Abs", "Sign", "BitwiseNot"])
def test_functions_of_one_integer(op: str) -> None:
    check(lambda b, x: getattr(b, op)(x), INTEGERS)


@pytest.mark.parametrize(("source", "target"), list(product(sorted(HELD | {"int64", "uint32"}), repeat=2)))
def test_casts(source: str, target: str) -> None:
    numbers = FLOATS if "float" in source else INTEGERS
    with np.errstate(all="ignore"):
        x = numbers.astype(numpy_dtype(source))
    check(lambda b, x: [b.Cast(x, to=target), b.Cast(b.Concat(x, x, axis=0), to=target)], x)


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ArgMax", "ArgMin"])
@pytest.mark.parametrize("integers", [False, True])
def test_reductions(op: str, integers: bool) -> None:
    rows = np.array(
        [
            *([1, np.inf, -np.inf], [np.nan, 2, np.inf], [-np.inf] * 3, [3, 3, np.nan], [-3.4e38, -np.inf, -np.inf]),
            *([np.inf] * 3, [-1, 0, 0], [2.0**24, 1, 1]),
        ],
        np.float32,
    )
    x = INTEGERS[:20].reshape(5, 4) if integers else rows
    name = {"axis": 1} if op.startswith("Arg") else {"axes": (1,)}
    for keepdims in (False, True):
        check(lambda b, x, keepdims=keepdims: getattr(b, op)(x, **name, keepdims=keepdims), x)


def test_largest_in_windows() -> None:
    x = np.array([[1, np.nan], [-np.inf, -np.inf], [np.inf, 3], [-3.4e38, -np.inf], [np.nan, np.inf]], np.float32)
    check(lambda b, x: b.MaxPool(x, kernel_shape=(2,), strides=(2,), dilations=(1,)), x.reshape(1, 1, 10))


def test_sums_and_products_of_integers() -> None:
    x = np.resize(INTEGERS, (6, 7))
    check(lambda b, x: b.CumSum(x, axis=1, exclusive=True, reverse=True), x)
    check(lambda b, x: b.MatMul(x, b.Transpose(x, perm=(1, 0))), x)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "float16", "float32", "int64"])
def test_movement(dtype: str) -> None:
    x = (np.arange(420) * 773 % 65536).astype(dtype).reshape(20, 21)
    check(
        lambda b, x: [
            b.Transpose(x, perm=(1, 0)),
            b.Slice(x, starts=(19,), ends=(-1,), axes=(0,), steps=(-2,)),
            b.Concat(x, x, axis=1),
            b.Gather(x, b.constant(np.array([[3, -1], [0, 20]])), axis=1),
            b.Where(b.Equal(x, x), x, x),
            b.Trilu(x, upper=True, k=1),
            *b.emit("Split", (x,), {"axis": 1, "sizes": (1, 5, 15)}),
        ],
        x,
    )


def test_elements_in_turn() -> None:
    x = np.random.default_rng(0).normal(size=(40, 30, 5)).astype(np.float32)

    def make(b, x):  # type: ignore[no-untyped-def]
        parts = b.emit("Split", (x,), {"axis": 2, "sizes": (1,) * 5})
        return [*parts, b.Concat(*parts[::-1], axis=2)]

    check(make, x, tolerance=0)


def test_scalar_of_a_product() -> None:
    """It crashes OpenVINO if it is reshaped as it stands."""
    check(
        lambda b, x, y: b.Reshape(b.Relu(b.MatMul(x, y)), shape=()), np.ones((1, 3), np.float32), np.ones((3, 1), "f4")
    )


@pytest.mark.parametrize("op", ["Add", "Exp", "MatMul", "ReduceSum", "Transpose"])
def test_float64_is_refused(op: str) -> None:
    attributes = {"axes": (0,), "keepdims": True, "perm": (1, 0)}
    assert not BACKEND.supports(op, ["float64"] * 2, attributes, "CPU")


def test_what_is_not_known_is_refused() -> None:
    assert place("NoSuchOperator", ["float32"], {}) is None
    assert place("LSTM", ["float32"], {"name": "LSTM", "body": None}) is None
    assert place("Sin", ["float32"], {}) is Place.OPENVINO
    assert not BACKEND.supports("Sin", ["float32"], {}, "NoSuchDevice")
