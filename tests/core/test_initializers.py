"""First values: distributions, seeds, shapes, configs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import initializers
from cornu.random.global_seed import get_random_seed, next_seed
from cornu.utils import set_random_seed


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


def values(initializer: Any, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
    return initializer(shape, dtype=dtype).numpy()


def test_constants() -> None:
    assert values(initializers.Zeros(), (2, 3)).tolist() == [[0.0] * 3] * 2
    assert values(initializers.Ones(), (2,), "int32").dtype == np.int32
    assert values(initializers.Constant([1.0, 2.0]), (3, 2)).tolist() == [[1.0, 2.0]] * 3
    assert values(initializers.Identity(2.0), (2, 3)).tolist() == [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    with pytest.raises(ValueError, match="rank 2"):
        initializers.Identity()((3,))


@pytest.mark.parametrize(
    ("name", "variance", "limit"),
    [
        ("GlorotUniform", 2 / (300 + 500), math.sqrt(6 / (300 + 500))),
        ("GlorotNormal", 2 / (300 + 500), None),
        ("HeUniform", 2 / 300, math.sqrt(6 / 300)),
        ("HeNormal", 2 / 300, None),
        ("LecunUniform", 1 / 300, math.sqrt(3 / 300)),
        ("LecunNormal", 1 / 300, None),
    ],
)
def test_variance_follows_the_fans(name: str, variance: float, limit: float | None) -> None:
    drawn = values(getattr(initializers, name)(seed=5), (300, 500))
    # Four standard errors of the variance of 150,000 numbers.
    assert drawn.var() == pytest.approx(variance, rel=0.015)
    assert drawn.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / drawn.size))
    bound = limit if limit is not None else 2 * math.sqrt(variance) / 0.87962566
    assert np.abs(drawn).max() <= bound * (1 + 1e-6)
    assert np.abs(drawn).max() > 0.98 * bound


def test_normal_numbers_are_normal() -> None:
    drawn = values(initializers.RandomNormal(1.0, 2.0, seed=1), (400, 500)).astype("float64")
    standard = (drawn - 1.0) / 2.0
    assert standard.std() == pytest.approx(1.0, abs=0.007)
    for bound, inside in ((1.0, 0.6827), (2.0, 0.9545), (3.0, 0.9973)):
        assert (np.abs(standard) < bound).mean() == pytest.approx(inside, abs=0.005)


def test_uniform_numbers_fill_their_range() -> None:
    drawn = values(initializers.RandomUniform(-1.0, 3.0, seed=1), (100_000,))
    assert drawn.min() >= -1.0
    assert drawn.max() < 3.0
    counts, _ = np.histogram(drawn, 10, (-1.0, 3.0))
    assert np.abs(counts - 10_000).max() < 450


def test_orthogonal_rows_or_columns() -> None:
    for shape in ((6, 4), (4, 6), (2, 3, 4)):
        matrix = values(initializers.Orthogonal(2.0, seed=3), shape).reshape(-1, shape[-1])
        short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        np.testing.assert_allclose(short @ short.T, 4.0 * np.eye(short.shape[0]), atol=1e-5)
    with pytest.raises(ValueError, match="at least rank 2"):
        initializers.Orthogonal()((3,))


def test_a_seed_gives_the_same_values_at_each_call_and_in_each_run() -> None:
    first = initializers.GlorotUniform(seed=7)
    assert np.array_equal(values(first, (3, 4)), values(first, (3, 4)))
    assert np.array_equal(values(first, (3, 4)), values(initializers.GlorotUniform(seed=7), (3, 4)))
    assert not np.array_equal(values(first, (3, 4)), values(initializers.GlorotUniform(seed=8), (3, 4)))
    # Philox 4x64 with the key (7, 0): its first word is fixed by its authors' definition.
    word = np.random.Philox(key=np.array([7, 0], np.uint64)).random_raw()
    lowest = values(initializers.RandomUniform(0.0, 1.0, seed=7), (1,), "float64")[0]
    assert lowest == (int(word) >> 11) * 2.0**-53


def test_without_a_seed_the_global_one_decides() -> None:
    drawn = []
    for _ in range(2):
        set_random_seed(11)
        drawn.append([values(initializers.HeNormal(), (3, 3)) for _ in range(2)])
    assert np.array_equal(drawn[0][0], drawn[1][0])
    assert np.array_equal(drawn[0][1], drawn[1][1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])
    assert get_random_seed() == 11


def test_a_seed_generator_moves_on() -> None:
    generator = cornu.random.SeedGenerator(3)
    initializer = initializers.RandomNormal(seed=generator)
    assert not np.array_equal(values(initializer, (4,)), values(initializer, (4,)))
    with pytest.raises(ValueError, match="SeedGenerator or None"):
        initializers.RandomNormal(seed="three")


def test_set_random_seed_takes_integers_only() -> None:
    with pytest.raises(ValueError, match="must be an integer"):
        set_random_seed("1")  # type: ignore[arg-type]
    set_random_seed(1)
    seeds = [next_seed(), next_seed()]
    set_random_seed(1)
    assert seeds == [next_seed(), next_seed()]
    assert all(1 <= seed <= 10**9 for seed in seeds)


def test_fans() -> None:
    assert initializers.compute_fans((3, 5)) == (3, 5)
    assert initializers.compute_fans((3, 3, 8, 16)) == (72, 144)
    assert initializers.compute_fans((7,)) == (7, 7)
    assert initializers.compute_fans(()) == (1, 1)
    assert initializers.compute_fans((32, 4, 16), input_axes=[0], output_axes=[1, 2]) == (32, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "must be positive"),
        ({"mode": "fan"}, "'fan_in'"),
        ({"distribution": "cauchy"}, "'truncated_normal'"),
    ],
)
def test_variance_scaling_checks_its_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)


def test_get_by_name_class_config_and_array() -> None:
    assert isinstance(initializers.get("glorot_uniform"), initializers.GlorotUniform)
    assert isinstance(initializers.get("HeNormal"), initializers.HeNormal)
    assert isinstance(initializers.get("zero"), initializers.Zeros)
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    assert initializers.get(None) is None
    with pytest.raises(ValueError, match=r"initializer identifier: 'glorrot'.*GlorotUniform"):
        initializers.get("glorrot")
    given = initializers.get(np.arange(6.0).reshape(2, 3))
    assert given((2, 3), dtype="float32").numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        given((3, 2))


@pytest.mark.parametrize(
    "initializer",
    [
        initializers.Constant(2.0),
        initializers.Identity(3.0),
        initializers.RandomNormal(0.1, 0.2, seed=1),
        initializers.TruncatedNormal(0.1, 0.2, seed=1),
        initializers.RandomUniform(0.1, 0.2, seed=1),
        initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=1),
        initializers.GlorotNormal(seed=1),
        initializers.Orthogonal(2.0, seed=1),
        initializers.Zeros(),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_configs_return(initializer: Any) -> None:
    found = initializers.deserialize(initializers.serialize(initializer))
    assert type(found) is type(initializer)
    assert found.get_config() == initializer.get_config()
    assert np.array_equal(values(found, (3, 3)), values(initializer, (3, 3)))


def test_a_subclass_of_a_user() -> None:
    class Half(initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return np.full(shape, 0.5, dtype)

    variable = cornu.Variable(initializers.get(Half()), shape=(2,))
    assert variable.numpy().tolist() == [0.5, 0.5]
