"""Random numbers: known answers, distributions of fixed seeds, equality across backends, state inside programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cornu import function, ops, random, use_backend
from cornu.random.bits import branch, random_bits
from cornu.random.global_seed import set_random_seed
from cornu.tracing import convert

BACKENDS = ("numpy", "onnxruntime")
N = 200_000


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with use_backend(request.param):
        yield request.param


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def wide(x: Any) -> np.ndarray:
    return array(x).astype(np.float64)


# -- bits ----------------------------------------------------------------------------------------------------------

MASK = 2**32 - 1


def hashed(x: int) -> int:
    x ^= x >> 16
    x = x * 0x7FEB352D & MASK
    x ^= x >> 15
    x = x * 0x846CA68B & MASK
    return x ^ x >> 16


def word(key: tuple[int, int], e: int) -> int:
    """The formula of spec/random.md in Python's integers."""
    i, j = e >> 12, e & 4095
    a = hashed(hashed((i + key[0]) & MASK) ^ key[1])
    b = hashed((a + key[0] * 0x9E3779B9 + 1) & MASK) | 1
    x = (hashed((j + 0x9E3779B9) & MASK) + a) * b & MASK
    x ^= x >> 16
    x = x * 0x7FEB352D & MASK
    return x ^ x >> 15


KNOWN = {
    (0, 0): {0: 0xC5DA1E48, 1: 0x5DE7D850, 4095: 0x24B5D021, 4096: 0x85E5EE79, 1000000: 0x39D94608},
    (1, 2): {0: 0xF5F0F043, 1: 0xCB403F59, 4095: 0xB58D6D32, 4096: 0x8D7E5E24, 1000000: 0xB79F9ED4},
    (0xDEADBEEF, 0x12345678): {0: 0x98A7BBA2, 2: 0x3B0E0CEE, 4096: 0xF39E2019, 1000000: 0xB13BA719},
}


@pytest.mark.parametrize("key", sorted(KNOWN))
def test_known_answers(backend: str, key: tuple[int, int]) -> None:
    bits = array(random_bits((1000001,), convert(np.array(key, np.uint32))))
    for e, expected in KNOWN[key].items():
        assert word(key, e) == expected
        assert bits[e] == expected


@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (4095,), (4096,), (4097,), (3, 4096), (2, 50, 100)])
def test_bits_of_every_shape_follow_the_formula(backend: str, shape: tuple[int, ...]) -> None:
    bits = array(random_bits(shape, convert(np.array([7, 9], np.uint32))))
    assert bits.dtype == np.uint32
    assert bits.shape == shape
    for e in {0, bits.size // 2, bits.size - 1} if bits.size else ():
        assert bits.ravel()[e] == word((7, 9), e)


def test_branches_differ() -> None:
    with use_backend("numpy"):
        key = convert(np.array([3, 0], np.uint32))
        keys = {tuple(array(branch(key, n))) for n in range(8)} | {(3, 0)}
    assert len(keys) == 9


def test_dropout_masks_are_bit_equal() -> None:
    masks = []
    for name in BACKENDS:
        with use_backend(name):
            masks.append(array(random.dropout(np.ones((64, 1000), np.float32), 0.37, seed=5)))
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("draw", ["normal", "uniform", "truncated_normal"])
def test_floats_agree_across_backends(draw: str) -> None:
    results = []
    for name in BACKENDS:
        with use_backend(name):
            results.append(array(getattr(random, draw)((1001,), seed=11)))
    np.testing.assert_allclose(*results, rtol=2e-5, atol=2e-6)


# -- distributions -------------------------------------------------------------------------------------------------


def check_moments(x: np.ndarray, mean: float, variance: float, kurtosis: float = 3.0) -> None:
    """Mean and variance within four standard errors."""
    assert abs(x.mean() - mean) < 4 * math.sqrt(variance / x.size)
    assert abs(x.var() - variance) < 4 * variance * math.sqrt((kurtosis - 1) / x.size)


def check_against(x: np.ndarray, distribution: Any) -> None:
    """The largest distance of the distribution functions (Kolmogorov and Smirnov), at the level 0.1 %."""
    ordered = np.sort(x)
    exact = distribution(ordered)
    steps = np.arange(x.size + 1) / x.size
    distance = max(np.max(exact - steps[:-1]), np.max(steps[1:] - exact))
    assert distance < 1.95 / math.sqrt(x.size)


def phi(z: np.ndarray) -> np.ndarray:
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])


def test_uniform() -> None:
    with use_backend("numpy"):
        x = wide(random.uniform((N,), -1.0, 3.0, seed=2))
    assert x.min() >= -1
    assert x.max() < 3
    check_moments(x, 1.0, 16 / 12, 1.8)
    check_against(x, lambda v: (v + 1) / 4)


def test_normal() -> None:
    with use_backend("numpy"):
        x = wide(random.normal((N,), 2.0, 0.5, seed=2))
    check_moments(x, 2.0, 0.25)
    check_against(x, lambda v: phi((v - 2) / 0.5))
    assert abs(np.corrcoef(x[: N // 2], x[N // 2 :])[0, 1]) < 4 / math.sqrt(N / 2)


def test_truncated_normal() -> None:
    with use_backend("numpy"):
        x = wide(random.truncated_normal((N,), seed=3))
    assert np.abs(x).max() <= 2
    low, high = phi(np.array([-2.0, 2.0]))
    check_against(x, lambda v: (phi(v) - low) / (high - low))


def test_randint() -> None:
    with use_backend("numpy"):
        x = array(random.randint((N,), -3, 4, seed=4))
    assert x.dtype == np.int32
    counts = np.bincount(x + 3, minlength=7)
    assert len(counts) == 7
    assert np.sum((counts - N / 7) ** 2 / (N / 7)) < 22.5  # chi square, 6 degrees of freedom, 0.1 %


def test_categorical() -> None:
    shares = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]], np.float32)
    with use_backend("numpy"), np.errstate(divide="ignore"):
        drawn = array(random.categorical(np.log(shares), 50_000, seed=5))
    assert drawn.shape == (2, 50_000)
    assert drawn.dtype == np.int32
    for row, share in zip(drawn, shares, strict=True):
        found = np.bincount(row, minlength=3) / 50_000
        assert np.all(np.abs(found - share) <= 4 * np.sqrt(share * (1 - share) / 50_000))


def test_dropout_keeps_the_expected_share_and_the_mean() -> None:
    with use_backend("numpy"):
        x = wide(random.dropout(np.full((N,), 2.0, np.float32), 0.25, seed=6))
    np.testing.assert_allclose(np.unique(x), [0, 2 / 0.75])
    assert abs(np.mean(x == 0) - 0.25) < 4 * math.sqrt(0.25 * 0.75 / N)


def test_dropout_noise_shape_and_edges(backend: str) -> None:
    x = np.ones((4, 50), np.float32)
    rows = array(random.dropout(x, 0.5, noise_shape=(None, 1), seed=1))
    assert np.all(rows == rows[:, :1])
    np.testing.assert_array_equal(array(random.dropout(x, 0.0, seed=1)), x)
    np.testing.assert_array_equal(array(random.dropout(x, 1.0, seed=1)), 0 * x)
    with pytest.raises(ValueError, match="rate"):
        random.dropout(x, 1.5)


def test_shuffle_permutes_slices(backend: str) -> None:
    x = np.arange(200).reshape(100, 2)
    found = array(random.shuffle(x, seed=8))
    assert not np.array_equal(found, x)
    np.testing.assert_array_equal(found[np.argsort(found[:, 0])], x)
    columns = array(random.shuffle(x, axis=1, seed=8))
    np.testing.assert_array_equal(np.sort(columns, axis=1), x)


@pytest.mark.parametrize("alpha", [0.4, 1.0, 6.5])
def test_gamma(backend: str, alpha: float) -> None:
    x = wide(random.gamma((20_000,), alpha, seed=9))
    assert x.min() >= 0
    check_moments(x, alpha, alpha, 3 + 6 / alpha)


def test_gamma_of_several_alphas_and_beta_and_binomial(backend: str) -> None:
    x = wide(random.gamma((20_000, 2), np.array([2.0, 5.0], np.float32), seed=10))
    check_moments(x[:, 0], 2, 2, 6)
    check_moments(x[:, 1], 5, 5, 4.2)
    check_moments(wide(random.beta((20_000,), 2.0, 3.0, seed=11)), 0.4, 0.04)
    trials = np.array([4.0, 12.0], np.float32)
    counts = wide(random.binomial((20_000, 2), trials, 0.3, seed=12))
    assert np.all(counts <= trials)
    check_moments(counts[:, 0], 1.2, 0.84)
    check_moments(counts[:, 1], 3.6, 2.52)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtypes(dtype: str) -> None:
    with use_backend("numpy"):
        for draw in (random.uniform, random.normal, random.truncated_normal):
            assert draw((3,), dtype=dtype, seed=1).dtype == dtype


@pytest.mark.parametrize(
    ("draw", "dtype"), [("uniform", "int32"), ("normal", "int32"), ("randint", "float32"), ("gamma", "int32")]
)
def test_wrong_dtypes_are_named(draw: str, dtype: str) -> None:
    arguments = {"uniform": (), "normal": (), "randint": (0, 2), "gamma": (1.0,)}[draw]
    with pytest.raises(ValueError, match=dtype):
        getattr(random, draw)((2,), *arguments, dtype=dtype)


# -- state ---------------------------------------------------------------------------------------------------------


def test_an_integer_seed_repeats_and_a_generator_goes_on(backend: str) -> None:
    np.testing.assert_array_equal(array(random.normal((4,), seed=3)), array(random.normal((4,), seed=3)))
    generator = random.SeedGenerator(3)
    first, second = array(random.normal((4,), seed=generator)), array(random.normal((4,), seed=generator))
    np.testing.assert_array_equal(first, array(random.normal((4,), seed=3)))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(array(generator.state), [3, 2])


def test_programs_draw_as_eager_code_does_and_advance_the_state(backend: str) -> None:
    inside, outside = random.SeedGenerator(4), random.SeedGenerator(4)

    @function
    def draw(x: Any) -> Any:
        return random.uniform((3,), seed=inside) + x, random.uniform((3,), seed=inside)

    for _ in range(2):
        first, second = draw(np.zeros(3, np.float32))
        np.testing.assert_array_equal(array(first), array(random.uniform((3,), seed=outside)))
        np.testing.assert_array_equal(array(second), array(random.uniform((3,), seed=outside)))
    assert draw.trace_count == 1
    np.testing.assert_array_equal(array(inside.state), [4, 4])


def test_the_global_seed_governs_unseeded_draws(backend: str) -> None:
    set_random_seed(21)
    first = array(random.normal((4,)))
    again = array(random.normal((4,)))
    set_random_seed(21)
    np.testing.assert_array_equal(first, array(random.normal((4,))))
    assert not np.array_equal(first, again)


def test_symbolic_shapes(backend: str) -> None:
    @function
    def draw(x: Any) -> Any:
        return random.normal(ops.shape(x), seed=5)

    for rows in (2, 3, 7):
        found = array(draw(np.zeros((rows, 3), np.float32)))
        np.testing.assert_allclose(found, array(random.normal((rows, 3), seed=5)), rtol=1e-5, atol=1e-6)
    assert draw.trace_count == 2


@pytest.mark.parametrize("seed", [1.5, "a", True])
def test_wrong_seeds_are_named(seed: Any) -> None:
    with pytest.raises(ValueError, match="seed"):
        random.SeedGenerator(seed)
    with pytest.raises(ValueError, match="seed"):
        random.normal((2,), seed=seed)
