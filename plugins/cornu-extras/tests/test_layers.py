"""Values against the formulas in NumPy, saving, training, masks and wrong arguments."""

from __future__ import annotations

from math import erf

import cornu as keras
import cornu_extras as extras
import numpy as np
import pytest
from cornu import ops

RNG = np.random.default_rng(0)

# Each layer with arguments that are no defaults, and the shape of an input.
CASES = {
    "StochasticDepth": (lambda: extras.StochasticDepth(0.3, seed=1), (4, 3)),
    "LayerScale": (lambda: extras.LayerScale(0.25), (4, 3)),
    "SqueezeExcite": (lambda: extras.SqueezeExcite(2, activation="tanh", gate_activation="hard_sigmoid"), (4, 4, 6)),
    "GatedLinearUnit": (lambda: extras.GatedLinearUnit(5, use_bias=True), (4, 3)),
    "GEGLU": (lambda: extras.GEGLU(5, kernel_initializer="he_normal"), (4, 3)),
    "SwiGLU": (lambda: extras.SwiGLU(5, use_bias=True, bias_initializer="ones"), (2, 4, 3)),
    "PatchEmbedding": (lambda: extras.PatchEmbedding(5, patch_size=2), (4, 6, 3)),
    "SinePositionEncoding": (lambda: extras.SinePositionEncoding(100.0), (4, 6)),
    "LearnedPositionEmbedding": (lambda: extras.LearnedPositionEmbedding(7), (4, 6)),
    "RotaryEmbedding": (lambda: extras.RotaryEmbedding(100.0), (4, 2, 6)),
    "CausalSelfAttention": (lambda: extras.CausalSelfAttention(3, dropout=0.1, rotary=True, seed=3), (4, 6)),
}


def draw(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def test_every_layer_has_a_case() -> None:
    assert set(CASES) | {"DropPath"} == set(extras.__all__)
    assert extras.DropPath is extras.StochasticDepth


@pytest.mark.parametrize("name", CASES)
def test_saving_and_loading(name: str, tmp_path) -> None:
    make, shape = CASES[name]
    model = keras.Sequential([keras.Input(shape), make()])
    path = tmp_path / "model.keras"
    model.save(path)
    x = draw(2, *shape)
    loaded = keras.models.load_model(path)
    assert type(loaded.layers[0]) is getattr(extras, name)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert loaded.layers[0].get_config() == model.layers[0].get_config()


@pytest.mark.parametrize("name", CASES)
def test_training_changes_every_weight(name: str) -> None:
    make, shape = CASES[name]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), make(), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = [weight.numpy() for weight in model.trainable_variables]
    model.fit(draw(8, *shape), draw(8, 1), epochs=2, verbose=0)
    assert all(np.any(old != new.numpy()) for old, new in zip(before, model.trainable_variables, strict=True))


@pytest.mark.parametrize("name", ["SinePositionEncoding", "LearnedPositionEmbedding", "CausalSelfAttention"])
def test_open_lengths(name: str) -> None:
    make, (_, size) = CASES[name]
    inputs = keras.Input((None, size))
    model = keras.Model(inputs, make()(inputs))
    for length in (3, 5):
        x = draw(2, length, size)
        np.testing.assert_allclose(model.predict(x, verbose=0), model(x).numpy(), atol=1e-5)


def test_places_past_the_last_share_its_vector() -> None:
    inputs = keras.Input((None, 2))
    layer = extras.LearnedPositionEmbedding(3)
    model = keras.Model(inputs, layer(inputs))
    y = model.predict(np.zeros((1, 5, 2), "float32"), verbose=0)[0]
    np.testing.assert_array_equal(y, layer.embeddings.numpy()[[0, 1, 2, 2, 2]])


def test_stochastic_depth() -> None:
    layer = extras.StochasticDepth(0.4, seed=0)
    x = np.ones((1000, 2, 3), "float32")
    np.testing.assert_array_equal(layer(x).numpy(), x)
    dropped = layer(x, training=True).numpy()
    assert np.all(dropped == dropped[:, :1, :1])  # a sample as a whole
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.6], rtol=1e-6)
    assert abs(np.mean(dropped == 0) - 0.4) < 0.06  # four standard deviations


def test_layer_scale() -> None:
    layer = extras.LayerScale(0.5)
    x = draw(2, 3)
    layer(x)
    layer.gamma.assign([1.0, 2.0, 3.0])
    np.testing.assert_allclose(layer(x).numpy(), x * [1, 2, 3], rtol=1e-6)


def test_squeeze_excite() -> None:
    layer = extras.SqueezeExcite(2)
    x = draw(2, 3, 5, 4)
    y = layer(x).numpy()
    w1, b1, w2, b2 = (weight.numpy() for weight in layer.weights)
    assert w1.shape == (4, 2)
    weights = 1 / (1 + np.exp(-(np.maximum(x.mean((1, 2)) @ w1 + b1, 0) @ w2 + b2)))
    np.testing.assert_allclose(y, x * weights[:, None, None, :], atol=1e-6)


def test_gated_units() -> None:
    x = draw(2, 3)
    layer = extras.SwiGLU(4, use_bias=True, bias_initializer="ones")
    y = layer(x).numpy()
    w, v, b, c = (weight.numpy() for weight in (layer.gate_kernel, layer.kernel, layer.gate_bias, layer.bias))
    np.testing.assert_allclose(y, silu(x @ w + b) * (x @ v + c), atol=1e-6)
    layer = extras.GatedLinearUnit(4)
    y = layer(x).numpy()
    w, v = layer.gate_kernel.numpy(), layer.kernel.numpy()
    np.testing.assert_allclose(y, x @ v / (1 + np.exp(-x @ w)), atol=1e-6)
    layer = extras.GEGLU(4)
    y = layer(np.zeros((1, 3), "float32") + 1).numpy()
    gate = layer.gate_kernel.numpy().sum(0)
    normal = np.array([(1 + erf(x / 2**0.5)) / 2 for x in gate])
    np.testing.assert_allclose(y[0], gate * normal * layer.kernel.numpy().sum(0), atol=1e-3)


def test_patches() -> None:
    layer = extras.PatchEmbedding(3, patch_size=2)
    x = draw(2, 4, 6, 5)
    y = layer(x).numpy()
    assert y.shape == (2, 6, 3)
    for number, (row, column) in enumerate((r, c) for r in range(2) for c in range(3)):
        patch = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(2, -1)
        np.testing.assert_allclose(y[:, number], patch @ layer.kernel.numpy(), atol=1e-5)


def test_sine_positions() -> None:
    y = extras.SinePositionEncoding(100.0)(np.zeros((1, 5, 4), "float32")).numpy()[0]
    for place in range(5):
        expected = [np.sin(place), np.cos(place), np.sin(place / 10), np.cos(place / 10)]
        np.testing.assert_allclose(y[place], expected, atol=1e-6)


def test_rotary_products_depend_on_distances_alone() -> None:
    layer = extras.RotaryEmbedding()
    query, key = draw(8), draw(8)
    turned = [layer(np.tile(x, (1, 12, 1, 1)).astype("float32")).numpy()[0, :, 0] for x in (query, key)]
    products = turned[0] @ turned[1].T
    for offset in range(4):
        np.testing.assert_allclose(np.diagonal(products, offset), products[0, offset], rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(products[0, 0], query @ key, rtol=1e-5)
    assert not np.isclose(products[0, 1], products[0, 3])


def test_rotary_turns_pairs() -> None:
    x = np.zeros((1, 3, 2), "float32")
    x[..., 0] = 1
    y = extras.RotaryEmbedding()(x).numpy()[0]
    np.testing.assert_allclose(y, [[np.cos(t), np.sin(t)] for t in range(3)], atol=1e-6)


def reference_attention(layer: extras.CausalSelfAttention, x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    q, k, v = (x @ part.kernel.numpy() + part.bias.numpy() for part in (layer.query, layer.key, layer.value))
    time, size = x.shape[1:]
    outputs = []
    for head in np.split(np.arange(size), layer.num_heads):
        scores = q[..., head] @ np.swapaxes(k[..., head], 1, 2) / len(head) ** 0.5
        seen = np.tril(np.ones((time, time), bool)) & mask[:, None, :]
        weights = np.where(seen, np.exp(scores), 0)
        outputs.append(weights / weights.sum(-1, keepdims=True) @ v[..., head])
    return np.concatenate(outputs, -1) @ layer.projection.kernel.numpy() + layer.projection.bias.numpy()


def test_causal_attention() -> None:
    layer = extras.CausalSelfAttention(2)
    x = draw(2, 5, 6)
    everything = np.ones((2, 5), bool)
    np.testing.assert_allclose(layer(x).numpy(), reference_attention(layer, x, everything), atol=1e-5)
    mask = everything.copy()
    mask[1, 2] = False
    np.testing.assert_allclose(layer(x, mask=mask).numpy(), reference_attention(layer, x, mask), atol=1e-5)


def test_attention_sees_no_future() -> None:
    layer = extras.CausalSelfAttention(2, rotary=True)
    x = draw(1, 5, 8)
    changed = x.copy()
    changed[:, 3:] += 1
    np.testing.assert_array_equal(layer(x).numpy()[:, :3], layer(changed).numpy()[:, :3])


def test_masks_go_on() -> None:
    x = keras.layers.Embedding(5, 6, mask_zero=True)(np.array([[1, 2, 0]]))
    for layer in (extras.LayerScale(), extras.SwiGLU(6), extras.StochasticDepth(0.1), extras.CausalSelfAttention(2)):
        x = layer(x)
        assert ops.convert_to_numpy(x._keras_mask).tolist() == [[True, True, False]]


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_dtype_policies(policy: str) -> None:
    for name in ("SqueezeExcite", "SwiGLU", "PatchEmbedding", "SinePositionEncoding", "RotaryEmbedding"):
        make, shape = CASES[name]
        layer = make()
        layer = type(layer).from_config({**layer.get_config(), "dtype": policy})
        expected = "float16" if policy == "mixed_float16" else "float64"
        assert layer(draw(2, *shape)).dtype == expected, name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: extras.StochasticDepth(1.0), "StochasticDepth: `rate` must be a number of at least 0 and less than 1"),
        (lambda: extras.SwiGLU(0), "SwiGLU: `units` must be a positive integer, not 0"),
        (lambda: extras.SqueezeExcite(2)(draw(2, 3)), "needs an input"),
        (lambda: extras.PatchEmbedding(3, 4)(draw(2, 8, 6, 1)), "patches of 4 × 4 do not fill an image of 8 × 6"),
        (lambda: extras.RotaryEmbedding()(draw(2, 3, 5)), "must have an even size"),
        (lambda: extras.LearnedPositionEmbedding(3)(draw(2, 4, 2)), "has 3 places, got a sequence of 4"),
        (lambda: extras.CausalSelfAttention(4)(draw(2, 4, 6)), "4 heads do not divide 6 features"),
    ],
)
def test_wrong_arguments(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
