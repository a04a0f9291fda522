"""Layers that act in training only: what they draw on average, which bits, on which shapes, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import layers, ops

SELU = 1.6732632423543772 * 1.0507009873554805


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def trained(layer: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(layer(x, training=True))


def full(value: float, *shape: int) -> np.ndarray:
    return np.full(shape, value, np.float32)


NOISES: dict[str, Callable[..., Any]] = {
    "AlphaDropout": lambda **more: layers.AlphaDropout(0.3, **more),
    "Dropout": lambda **more: layers.Dropout(0.3, **more),
    "GaussianDropout": lambda **more: layers.GaussianDropout(0.3, **more),
    "GaussianNoise": lambda **more: layers.GaussianNoise(0.3, **more),
    "SpatialDropout1D": lambda **more: layers.SpatialDropout1D(0.3, **more),
    "SpatialDropout2D": lambda **more: layers.SpatialDropout2D(0.3, **more),
    "SpatialDropout3D": lambda **more: layers.SpatialDropout3D(0.3, **more),
}
RANKS = {"SpatialDropout2D": 4, "SpatialDropout3D": 5}


def some(name: str) -> np.ndarray:
    return np.random.RandomState(1).randn(*(40, 30, 20, 3, 2)[: RANKS.get(name, 3)]).astype(np.float32)


@pytest.mark.parametrize("name", NOISES)
def test_seeds_are_repeatable_and_calls_differ(name: str) -> None:
    x = some(name)
    first, second = NOISES[name](seed=5), NOISES[name](seed=5)
    one, two = trained(first, x), trained(first, x)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(trained(second, x), one)
    np.testing.assert_array_equal(trained(second, x), two)
    assert not np.array_equal(trained(NOISES[name](seed=6), x), one)
    assert not np.array_equal(trained(NOISES[name](), x), trained(NOISES[name](), x))


@pytest.mark.parametrize("name", NOISES)
def test_both_backends_draw_the_same(name: str) -> None:
    found = []
    for backend in ("numpy", "onnxruntime"):
        with cornu.use_backend(backend):
            found.append(trained(NOISES[name](seed=5), some(name)))
    if name.startswith("Gaussian"):  # the bits are equal, the logarithms and cosines made of them nearly
        np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_allclose(*found, rtol=1e-6)  # what is kept differs from what is dropped by more


@pytest.mark.parametrize("name", NOISES)
def test_nothing_happens_outside_training(name: str) -> None:
    x = some(name)
    layer = NOISES[name]()
    for found in (layer(x), layer(x, training=False)):
        np.testing.assert_array_equal(np.asarray(found), x)
    assert [variable.path.rpartition("/")[2] for variable in layer.variables] == ["seed_generator_state"]
    assert layer.weights == []


@pytest.mark.parametrize("name", NOISES)
def test_in_a_compiled_step_with_free_sizes(name: str) -> None:
    x = some(name)
    inputs = cornu.Input((None,) * (x.ndim - 2) + (x.shape[-1],))
    model = cornu.Model(inputs, NOISES[name](seed=5)(layers.Dense(2)(inputs)))
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    losses = [float(model.train_on_batch(x[:, :length], full(0.0, *x[:, :length, ..., :2].shape))) for length in (5, 3)]
    assert np.all(np.isfinite(losses))
    twice = [float(model.evaluate(x, full(0.0, *x[..., :2].shape), verbose=0)) for _ in range(2)]
    assert twice[0] == twice[1]


@pytest.mark.parametrize("name", NOISES)
def test_masks_pass(name: str) -> None:
    rank = RANKS.get(name, 3)
    masked = layers.Masking()(cornu.Input((3,) * (rank - 1)))
    assert NOISES[name]()(masked)._keras_mask is masked._keras_mask


@pytest.mark.parametrize(
    "layer",
    [layers.Dropout(0.0), layers.AlphaDropout(0), layers.GaussianDropout(0.0), layers.GaussianNoise(0.0)],
)
def test_no_noise_draws_nothing(layer: Any) -> None:
    x = full(2.0, 2, 3)
    np.testing.assert_array_equal(trained(layer, x), x)
    assert layer.variables == []


# -- on average --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate: float) -> None:
    found = trained(layers.Dropout(rate, seed=1), full(2.0, 400, 500))
    assert (found == 0).mean() == pytest.approx(rate, abs=0.005)
    np.testing.assert_allclose(found[found != 0], 2 / (1 - rate), rtol=1e-6)


def test_dropout_of_everything_and_of_integers() -> None:
    np.testing.assert_array_equal(trained(layers.Dropout(1), full(2.0, 3, 4)), full(0.0, 3, 4))
    assert set(np.unique(trained(layers.Dropout(0.5, seed=1), np.ones((9, 9), np.int32)))) == {0.0, 2.0}


def test_the_mask_broadcasts() -> None:
    rows = trained(layers.Dropout(0.5, noise_shape=(None, 1), seed=1), full(1.0, 50, 4))
    assert np.ptp(rows, axis=1).max() == 0
    assert 0 < rows[:, 0].mean() < 2
    columns = trained(layers.Dropout(0.5, noise_shape=[40], seed=1), full(1.0, 50, 40))
    assert np.ptp(columns, axis=0).max() == 0
    assert 0 < columns[0].mean() < 2
    steps = trained(layers.AlphaDropout(0.5, noise_shape=(None, 1, None), seed=1), full(1.0, 5, 6, 7))
    assert np.ptp(steps, axis=1).max() == 0
    assert np.unique(steps).size == 2


@pytest.mark.parametrize(
    ("layer", "axes"),
    [
        (layers.SpatialDropout1D(0.3, seed=1), (1,)),
        (layers.SpatialDropout2D(0.3, "channels_last", seed=1), (1, 2)),
        (layers.SpatialDropout2D(0.3, "channels_first", seed=1), (2, 3)),
        (layers.SpatialDropout3D(0.3, "channels_last", seed=1), (1, 2, 3)),
        (layers.SpatialDropout3D(0.3, "channels_first", seed=1), (2, 3, 4)),
    ],
)
def test_whole_channels_go(layer: Any, axes: tuple[int, ...]) -> None:
    rank = layer.input_spec.ndim
    shape = [60 if i not in axes else 3 for i in range(rank)]
    found = trained(layer, full(1.4, *shape))
    assert np.ptp(found, axis=axes).max() == 0
    assert (found == 0).mean() == pytest.approx(0.3, abs=0.03)
    np.testing.assert_allclose(found.max(), 2.0, rtol=1e-6)


def test_gaussian_noise_has_its_deviation() -> None:
    noise = trained(layers.GaussianNoise(0.3, seed=1), full(2.0, 400, 500)) - 2
    assert noise.mean() == pytest.approx(0.0, abs=0.003)
    assert noise.std() == pytest.approx(0.3, abs=0.003)
    assert np.mean(np.abs(noise) < 0.3) == pytest.approx(0.6827, abs=0.005)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_gaussian_dropout_has_the_moments_of_dropout(rate: float) -> None:
    found = trained(layers.GaussianDropout(rate, seed=1), full(2.0, 400, 500))
    assert found.mean() == pytest.approx(2.0, abs=0.02)
    assert found.std() == pytest.approx(2 * np.sqrt(rate / (1 - rate)), abs=0.02)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate: float) -> None:
    x = np.random.RandomState(0).randn(400, 500).astype(np.float32)
    found = trained(layers.AlphaDropout(rate, seed=1), x)
    assert found.mean() == pytest.approx(0.0, abs=0.01)
    assert found.std() == pytest.approx(1.0, abs=0.01)
    a = ((1 - rate) * (1 + rate * SELU**2)) ** -0.5
    dropped = np.isclose(found, a * -SELU + a * SELU * rate, atol=1e-5)
    assert dropped.mean() == pytest.approx(rate, abs=0.005)
    np.testing.assert_allclose(found[~dropped], a * x[~dropped] + a * SELU * rate, rtol=1e-5, atol=1e-5)


def test_sixteen_bits_stay() -> None:
    for name, make in NOISES.items():
        layer = make(dtype="mixed_float16")
        assert trained(layer, some(name)).dtype == np.float16
    assert layers.SpatialDropout1D(0.5, dtype="mixed_float16").get_config()["dtype"] == "mixed_float16"


# -- penalties on activations ------------------------------------------------------------------------------------------


def test_activity_is_penalized_per_sample() -> None:
    layer = layers.ActivityRegularization(l1=0.1, l2=0.2)
    x = full(-2.0, 4, 3)
    assert np.asarray(layer(x)).tolist() == x.tolist()
    assert float(layer.losses[0]) == pytest.approx((0.1 * 24 + 0.2 * 48) / 4)
    layer(x)
    assert len(layer.losses) == 1
    config = layer.get_config()
    assert {"l1": 0.1, "l2": 0.2}.items() <= config.items()
    assert "activity_regularizer" not in config
    masked = layers.Masking()(cornu.Input((3, 2)))
    assert layer(masked)._keras_mask is masked._keras_mask


# -- errors ------------------------------------------------------------------------------------------------------------

ONES = full(1.0, 2, 3)
ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "rate above 1": (lambda: layers.Dropout(1.5), "rate.*rate=1.5"),
    "rate below 0": (lambda: layers.SpatialDropout1D(-0.1), "rate.*rate=-0.1"),
    "rate as text": (lambda: layers.GaussianDropout("0.5"), "rate.*rate=0.5"),
    "rate missing": (lambda: layers.AlphaDropout(None), "rate.*rate=None"),
    "deviation": (lambda: layers.GaussianNoise(2), "stddev.*stddev=2"),
    "seed": (lambda: layers.Dropout(0.5, seed="x"), "seed.*x"),
    "noise: number": (lambda: layers.Dropout(0.5, noise_shape=3), "Dropout: `noise_shape`.*got 3"),
    "noise: text": (lambda: layers.Dropout(0.5, noise_shape="ab"), "noise_shape.*'ab'"),
    "noise: fraction": (lambda: layers.Dropout(0.5, noise_shape=(1.5, 2)), "noise_shape.*1.5"),
    "noise: negative": (lambda: layers.AlphaDropout(0.5, noise_shape=(-1, 2)), "AlphaDropout: `noise_shape`.*-1"),
    "noise: rank": (
        lambda: layers.Dropout(0.5, noise_shape=(None, 1, 1), name="d")(ONES, training=True),
        r"layer 'd'.*None, 1, 1.*\(2, 3\)",
    ),
    "noise: size": (lambda: layers.Dropout(0.5, noise_shape=(None, 2))(ONES, training=True), r"None, 2.*\(2, 3\)"),
    "all dropped: Gaussian": (lambda: layers.GaussianDropout(1)(ONES, training=True), "rate=1"),
    "all dropped: alpha": (lambda: layers.AlphaDropout(1.0)(ONES, training=True), "rate=1"),
    "rank 1D": (lambda: layers.SpatialDropout1D(0.5)(ONES), "ndim=3, found ndim=2"),
    "rank 2D": (lambda: layers.SpatialDropout2D(0.5)(full(1.0, 2, 3, 2)), "ndim=4, found ndim=3"),
    "data format": (lambda: layers.SpatialDropout3D(0.5, data_format="last"), "data_format.*'last'"),
    "penalty": (lambda: layers.ActivityRegularization(-1.0), "l1"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name: str) -> None:
    make, match = ERRORS[name]
    with pytest.raises(ValueError, match=match):
        make()


def test_an_activation_that_is_dropped_has_no_gradient() -> None:
    layer = layers.Dropout(0.5, seed=1)
    x = ops.ones((100,))
    with cornu.GradientTape() as tape:
        y = layer(x, training=True)
    np.testing.assert_array_equal(np.asarray(tape.gradient(y, x)), np.asarray(y))
