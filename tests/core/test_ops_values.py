"""Values of operations against NumPy and hand-written formulas, on both backends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cornu import ops, use_backend

R = np.random.RandomState(0)
A, B = R.randn(3, 4).astype(np.float32), R.randn(3, 4).astype(np.float32)
C = R.randn(2, 3, 4).astype(np.float32)
P = np.abs(A) + 0.1
V, S = R.randn(5).astype(np.float32), np.array([1, 3, 5, 7], np.float32)
I, J = np.array([[3, -2, 5], [7, 0, -9]], np.int32), np.array([[2, 3, -4], [-3, 5, 2]], np.int32)  # noqa: E741
U = np.array([[3, 200, 5]], np.uint8)
HOLED = A.copy()
HOLED[0, 1] = HOLED[2, 3] = np.nan


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_backend(request.param):
        yield


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def same(found: Any, expected: Any, tolerance: float = 2e-5) -> None:
    found = array(found)
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=tolerance, equal_nan=True
    )


# -- as NumPy has it -----------------------------------------------------------------------------------------------

LIKE_NUMPY = [
    "absolute",
    "abs",
    "exp",
    "exp2",
    "expm1",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arctan",
    "arcsinh",
    "square",
    "sign",
    "floor",
    "ceil",
    "trunc",
    "negative",
    "reciprocal",
    "isfinite",
    "isnan",
    "isinf",
    "isposinf",
    "isneginf",
    "logical_not",
    "signbit",
    "cbrt",
    "sinc",
    "deg2rad",
    "rad2deg",
    "sum",
    "mean",
    "max",
    "min",
    "prod",
    "var",
    "std",
    "any",
    "all",
    "argmax",
    "argmin",
    "cumsum",
    "cumprod",
    "count_nonzero",
    "ravel",
    "transpose",
    "flip",
    "fliplr",
    "flipud",
    "ones_like",
    "zeros_like",
    "tril",
    "triu",
    "diag",
    "diagonal",
    "trace",
    "diff",
    "ptp",
    "copy",
    "fabs",
    "rot90",
    "sort",
    "argsort",
    "median",
    "average",
    "i0",
    "round",
    "corrcoef",
]
POSITIVE = ["sqrt", "log", "log2", "log10", "log1p"]
PAIRS = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "mod",
    "maximum",
    "minimum",
    "arctan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "fmod",
    "fmax",
    "fmin",
    "heaviside",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "isclose",
    "outer",
    "append",
    "vdot",
    "kron",
]
WHOLE = [
    "floor_divide",
    "mod",
    "fmod",
    "gcd",
    "lcm",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "add",
    "maximum",
    "true_divide",
    "equal",
    "less",
]


@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_like_numpy(name: str) -> None:
    same(getattr(ops, name)(A), getattr(np, name)(A), 1e-4)


@pytest.mark.parametrize("name", POSITIVE)
def test_like_numpy_of_positive_numbers(name: str) -> None:
    same(getattr(ops, name)(P), getattr(np, name)(P))


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_like_numpy(name: str) -> None:
    same(getattr(ops, name)(A, B), getattr(np, name)(A, B))


@pytest.mark.parametrize("name", WHOLE)
def test_integers_like_numpy(name: str) -> None:
    same(getattr(ops, name)(I, J), getattr(np, name)(I, J))


CALLS: list[Callable[[Any], Any]] = [
    lambda m: m.sum(C, axis=(0, -1)),
    lambda m: m.mean(C, axis=1, keepdims=True),
    lambda m: m.max(A, axis=1, initial=1.0),
    lambda m: m.var(C, axis=(0, 2)),
    lambda m: m.argmax(C, axis=1, keepdims=True),
    lambda m: m.cumsum(C, axis=1),
    lambda m: m.cumprod(C, axis=-1),
    lambda m: m.average(A, axis=1, weights=np.arange(1.0, 5.0, dtype=np.float32)),
    lambda m: m.median(C, axis=(0, 2), keepdims=True),
    lambda m: m.quantile(C, np.array([0.1, 0.5, 0.93], np.float32), axis=1),
    lambda m: m.quantile(C, 0.3, method="lower"),
    lambda m: m.quantile(C, 0.3, axis=-1, method="nearest", keepdims=True),
    lambda m: m.percentile(C, 33.0, method="midpoint"),
    lambda m: m.median(HOLED, axis=1),
    lambda m: m.nansum(HOLED),
    lambda m: m.nanmean(HOLED, axis=0),
    lambda m: m.nanmax(HOLED, axis=1),
    lambda m: m.nanmin(HOLED, axis=1),
    lambda m: m.nanvar(HOLED, axis=1),
    lambda m: m.nanstd(HOLED),
    lambda m: m.nanprod(HOLED),
    lambda m: m.nanargmax(HOLED, axis=1),
    lambda m: m.nanmedian(HOLED, axis=1),
    lambda m: m.nanquantile(HOLED, np.array([0.2, 0.7], np.float32), axis=1),
    lambda m: m.nancumsum(HOLED, axis=1),
    lambda m: m.matmul(C, B.T),
    lambda m: m.matmul(C, B[0]),
    lambda m: m.matmul(B[:, 0], C),
    lambda m: m.matmul(V, V),
    lambda m: m.dot(C, np.ones((5, 4, 2), np.float32)),
    lambda m: m.dot(A, 2.0),
    lambda m: m.tensordot(C, C, axes=[[1, 2], [1, 2]]),
    lambda m: m.tensordot(A, B.T, axes=1),
    lambda m: m.inner(C, B),
    lambda m: m.cross(C[:, :3, :3], C[:, :3, 1:4]),
    lambda m: m.reshape(C, (4, -1)),
    lambda m: m.squeeze(C[:, :1]),
    lambda m: m.expand_dims(A, (0, 3)),
    lambda m: m.swapaxes(C, 0, 2),
    lambda m: m.moveaxis(C, [0, 1], [2, 0]),
    lambda m: m.broadcast_to(A, (2, 3, 4)),
    lambda m: m.stack([A, B], axis=-1),
    lambda m: m.hstack([A, B]),
    lambda m: m.vstack([V, V]),
    lambda m: m.dstack([A, B]),
    lambda m: m.dstack([V, V]),
    lambda m: m.column_stack([V, V]),
    lambda m: m.tile(A, (2, 1, 3)),
    lambda m: m.repeat(A, 2, axis=1),
    lambda m: m.repeat(A, [1, 0, 2], axis=0),
    lambda m: m.repeat(A, 3),
    lambda m: m.pad(A, ((1, 2), (0, 1)), constant_values=3.0),
    lambda m: m.pad(A, 1, mode="reflect"),
    lambda m: m.pad(A, ((2, 1), (0, 3)), mode="symmetric"),
    lambda m: m.pad(A, ((2, 1), (0, 3)), mode="edge"),
    lambda m: m.roll(A, 2, axis=1),
    lambda m: m.roll(A, -5),
    lambda m: m.roll(C, (1, 2), axis=(0, 1)),
    lambda m: m.rot90(A, 3),
    lambda m: m.rot90(C, -1, axes=(1, 2)),
    lambda m: m.take(A, [[0, 2], [1, -1]], axis=1),
    lambda m: m.take(A, [1, 5]),
    lambda m: m.take_along_axis(A, np.array([[0], [2], [1]]), axis=1),
    lambda m: m.diag(V, 2),
    lambda m: m.diag(V, -1),
    lambda m: m.diag(A, 1),
    lambda m: m.diagonal(C, -1, 2, 1),
    lambda m: m.diagflat(A, 1),
    lambda m: m.trace(C, 1, 0, 2),
    lambda m: m.triu(C, 1),
    lambda m: m.tril(C, -1),
    lambda m: m.sort(C, axis=0),
    lambda m: m.searchsorted(S, np.array([0, 3, 8], np.float32)),
    lambda m: m.searchsorted(S, np.array([0, 3, 8], np.float32), side="right"),
    lambda m: m.digitize(A, np.array([-1, 0, 1], np.float32)),
    lambda m: m.bincount(np.array([1, 1, 5, 0])),
    lambda m: m.isin(I, [3, 0, 7]),
    lambda m: m.unique(np.array([3, 1, 3, 2])),
    lambda m: m.arange(5, 0, -2),
    lambda m: m.linspace(A[0], B[0], 3, endpoint=False, axis=-1),
    lambda m: m.logspace(0, 2, 3),
    lambda m: m.geomspace(1.0, 8.0, 4),
    lambda m: m.eye(3, 4, k=1),
    lambda m: m.tri(3, 4, k=-1),
    lambda m: m.vander(V, 3),
    lambda m: m.bartlett(5),
    lambda m: m.hanning(5),
    lambda m: m.kaiser(5, 3.0),
    lambda m: m.where(A > 0, A, 0),
    lambda m: m.select([A > 1, A > 0], [A, B], 7.0),
    lambda m: m.nan_to_num(np.array([np.nan, np.inf, -np.inf, 1], np.float32), nan=3.0, posinf=5.0, neginf=-5.0),
    lambda m: m.diff(C, n=2, axis=1),
    lambda m: m.trapezoid(A, dx=0.5, axis=0),
    lambda m: m.trapezoid(A, S),
    lambda m: m.correlate(V, S, mode="full"),
    lambda m: m.correlate(S[:3], V, mode="same"),
    lambda m: m.correlate(S[:3], V, mode="valid"),
    lambda m: m.ldexp(A, np.arange(4)),
    lambda m: m.left_shift(I, 2),
    lambda m: m.right_shift(I, 1),
    lambda m: m.right_shift(U, 1),
    lambda m: m.power(P, B),
    lambda m: m.clip(A, -0.5, 0.5),
    lambda m: m.bitwise_invert(I),
]


@pytest.mark.parametrize("case", range(len(CALLS)))
def test_calls_like_numpy(case: int) -> None:
    same(CALLS[case](ops), CALLS[case](np), 1e-4)


EINSUMS = {
    "ij,kj->ik": (A, B),
    "bij,kj->bik": (C, B),
    "...ij,...kj->...ik": (C, C),
    "ii->i": (A[:, :3],),
    "ij->": (A,),
    "abc,cde,ef->adbf": (C, np.ones((4, 2, 3), np.float32), np.ones((3, 2), np.float32)),
    "ij,ij->j": (A, B),
    "aecd,abcd->acbe": (np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5), np.ones((2, 6, 4, 5), np.float32)),
    "ij,jk": (A, B.T),
    "ij,kl->lijk": (A, B),
    "i,i": (V, V),
}


@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum(subscripts: str) -> None:
    operands = EINSUMS[subscripts]
    same(ops.einsum(subscripts, *operands), np.einsum(subscripts, *operands), 1e-4)


KEYS: list[Any] = [
    (0, slice(None), slice(None, None, -2)),
    (Ellipsis, None, 1),
    (np.array([0, 1, 1]), slice(1, 3)),
    (slice(None), np.array([0, 2]), np.array([1, 3])),
    (0, slice(None), np.array([1, 3])),
    (slice(None), np.array([[0], [2]]), np.array([1, 3]), None),
    (np.array([0, 1]), slice(None), np.array([1, 3])),
    (None, slice(None), np.array([2, 0])),
    -1,
    (slice(-5, 1), slice(5, None), slice(3, -9, -1)),
    C > 0,
    (slice(None), np.array([True, False, True])),
    [1, 0],
]


@pytest.mark.parametrize("key", range(len(KEYS)))
def test_indexing(key: int) -> None:
    same(ops.convert_to_tensor(C)[KEYS[key]], C[KEYS[key]])


@pytest.mark.parametrize("key", [3, (0, 0, 0, 0), (slice(None), 5), "a", 1.5])
def test_wrong_indices(key: Any) -> None:
    with pytest.raises((IndexError, TypeError)):
        ops.convert_to_tensor(C)[key]


# -- by formula ----------------------------------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


ERF = np.vectorize(math.erf)
FORMULAS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": sigmoid,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "silu": lambda x: x * sigmoid(x),
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
    "glu": lambda x: x[:, :2] * sigmoid(x[:, 2:]),
    "erf": ERF,
    "erfc": np.vectorize(math.erfc),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str) -> None:
    x = (A * 3).astype(np.float32)
    same(getattr(ops, name)(x), FORMULAS[name](x.astype(np.float64)), 1e-4)


def test_gelu_exact() -> None:
    same(ops.gelu(A, approximate=False), A * 0.5 * (1 + ERF(A / math.sqrt(2))))


def test_extreme_logits_stay_finite() -> None:
    x = np.array([[1000.0, -1000.0, 0.0]], np.float32)
    same(ops.softmax(x), [[1, 0, 0]])
    same(ops.log_softmax(x), [[0, -2000, -1000]])
    same(ops.logsumexp(x), 1000)
    same(ops.logsumexp(np.array([-np.inf, -np.inf], np.float32)), -np.inf)
    same(ops.binary_crossentropy([[1.0, 1.0]], [[-200.0, 200.0]], from_logits=True), [[200, 0]])
    same(ops.sparse_categorical_crossentropy([1], x, from_logits=True), [2000])
    same(ops.logaddexp([1000.0, -np.inf], [1000.0, -np.inf]), [1000 + math.log(2), -np.inf])


def test_erfinv_undoes_erf() -> None:
    x = np.array([-1, -0.999, -0.5, -1e-3, 0, 0.3, 0.9, 0.99999, 1, 2], np.float32)
    found = array(ops.erfinv(x)).astype(np.float64)
    assert found[0] == -np.inf
    assert found[-2] == np.inf
    assert np.isnan(found[-1])
    np.testing.assert_allclose(ERF(found[1:-2]), x[1:-2], rtol=1e-5, atol=1e-7)


def test_erfinv_of_float64_is_exact_to_rounding() -> None:
    x = np.array([-0.999999, -0.3, 0.7, 0.9999999999])
    np.testing.assert_allclose(ERF(array(ops.erfinv(x))), x, rtol=1e-13)


def test_erfc_keeps_its_relative_accuracy() -> None:
    x = np.array([1.01, 2.0, 5.0, 9.0], np.float32)
    np.testing.assert_allclose(array(ops.erfc(x)), [math.erfc(v) for v in x], rtol=3e-5)


def test_integer_division_by_zero_gives_zero() -> None:
    same(ops.floor_divide([1, -2], [0, 0]), [0, 0])
    same(ops.mod([5, -5], [0, 0]), [0, 0])
    same(ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]), [0, 0.5])


def test_top_k_and_in_top_k() -> None:
    values, indices = ops.top_k(np.array([[1.0, 5.0, 3.0, 5.0]]), 3)
    same(values, [[5, 5, 3]])
    same(indices, [[1, 3, 2]])
    # The second prediction ties with the second best, which counts; an index out of range never does.
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.3, 0.9], [0.1, 0.2, 0.3]], np.float32)
    same(ops.in_top_k(np.array([0, 1, 7]), scores, 2), [False, True, False])
    same(ops.in_top_k(np.array([2, 2, 0]), scores, 1), [False, True, False])


def test_one_hot_and_multi_hot() -> None:
    same(ops.one_hot([[0, 2], [-1, 5]], 3), [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]])
    same(ops.one_hot([0, 2], 3, axis=0), [[1, 0], [0, 0], [0, 1]])
    same(ops.multi_hot([[0, 2], [1, 1]], 3), [[1, 0, 1], [0, 1, 0]])
    with pytest.raises(ValueError, match="sparse"):
        ops.one_hot([0], 2, sparse=True)


def test_crossentropies_by_hand() -> None:
    p = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], np.float32)
    same(ops.sparse_categorical_crossentropy([2, 0], p * 2), [-math.log(0.5), -math.log(0.1)])
    same(ops.categorical_crossentropy([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]], p), [-math.log(0.15) / 2, -math.log(0.1)])
    same(ops.sparse_categorical_crossentropy([[2], [-1]], np.log(p), from_logits=True), [-math.log(0.5), 0])
    same(ops.sparse_categorical_crossentropy([2, 3], p), [-math.log(0.5), 0])
    same(ops.binary_crossentropy([1.0, 0.0, 1.0], [0.25, 0.25, 0.0]), [math.log(4), math.log(4 / 3), -math.log(1e-7)])
    with pytest.raises(ValueError, match="same shape"):
        ops.categorical_crossentropy(np.ones((2, 2)), np.ones((2, 3)))


def test_saturating_casts() -> None:
    same(ops.saturate_cast([-3.0, 300.0, 4.2, np.nan], "uint8"), [0, 255, 4, 0])
    same(ops.saturate_cast(np.array([-300, 300], np.int32), "int8"), [-128, 127])
    assert array(ops.saturate_cast([-3e10, 3e10], "int32")).tolist() == [-(2**31), 2**31 - 1]


def test_blocks_and_scatters() -> None:
    same(ops.slice(C, (0, 1, 1), (2, 2, 2)), C[:, 1:3, 1:3])
    expected = C.copy()
    expected[:, 1:3, 1:3] = 9
    same(ops.slice_update(C, (0, 1, 1), np.full((2, 2, 2), 9.0)), expected)
    same(ops.scatter([[0], [2], [0]], [1.0, 2.0, 3.0], (4,)), [4, 0, 2, 0])
    same(ops.scatter_update([1.0, 1.0], [[0], [0]], [2.0, 3.0], reduction="add"), [6, 1])
    same(ops.scatter_update([[1, 2], [3, 4]], [[0, 1]], [9]), [[1, 9], [3, 4]])
    same(ops.segment_sum([1.0, 2.0, 3.0], [0, 0, 2], num_segments=4), [3, 0, 3, 0])
    same(ops.segment_max([1.0, 2.0, 3.0], [0, 0, 1]), [2, 3])
    same(ops.segment_prod([1, 2, 3], [0, 0, 1]), [2, 3])


def test_sequences_and_distances() -> None:
    same(ops.extract_sequences([1.0, 2.0, 3.0, 4.0, 5.0], 3, 2), [[1, 2, 3], [3, 4, 5]])
    same(ops.cdist([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0]]), [[4], [5]])
    counts, edges = ops.histogram([0.0, 0.1, 0.9, 1.0], bins=2)
    same(counts, [2, 2])
    same(edges, [0, 0.5, 1])
    same(ops.unravel_index([3, 7, 11], (3, 4))[1], [3, 3, 3])
    same(ops.normalize([[3.0, 4.0]]), [[0.6, 0.8]])
    same(ops.norm([[3.0, -4.0]], 1), 4)
    same(ops.psnr([0.0, 0.0], [0.1, 0.1], 1.0), 20, 1e-4)
