"""Small models drawn at random, from real Keras or from Cornu: the API is the same, so the module is an argument."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

KINDS = 12
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear", "softmax", "elu", "softplus")


def draw_model(k: Any, seed: int) -> tuple[Any, list[np.ndarray]]:
    """A model of one of `KINDS` forms and inputs for it; the same seed draws the same architecture.

    Args:
        k: `keras` or `cornu`.
        seed: Which model; `seed % KINDS` is its form.
    """
    draw = random.Random(seed)
    model, shapes = _FORMS[seed % KINDS](k, draw)
    return model, [_input(shape, np.random.default_rng(seed + i)) for i, shape in enumerate(shapes)]


def compile_model(k: Any, model: Any, seed: int) -> None:
    """Compiles a model with one of several optimizers, losses and metrics."""
    optimizers: tuple[Callable[[], Any], ...] = (
        lambda: k.optimizers.Adam(0.01),
        lambda: k.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        lambda: k.optimizers.RMSprop(0.002, momentum=0.5),
        lambda: k.optimizers.SGD(0.01),
        lambda: k.optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9), clipnorm=1.0),
    )
    losses: tuple[Callable[[], Any], ...] = (lambda: "mse", lambda: k.losses.MeanSquaredError())
    metrics: tuple[Callable[[], Any], ...] = (lambda: ["mse"], lambda: [k.metrics.MeanSquaredError(name="error")])
    single = len(model.outputs) == 1
    model.compile(
        optimizer=optimizers[seed % len(optimizers)](),
        loss=losses[seed % len(losses)](),
        metrics=metrics[seed // 2 % len(metrics)]() if single else None,
    )


def targets(outputs: Any, seed: int) -> Any:
    """Random targets of the shapes of `outputs`."""
    rng = np.random.default_rng(1000 + seed)
    if isinstance(outputs, (list, tuple)):
        return [rng.random(output.shape).astype("float32") for output in outputs]
    return rng.random(outputs.shape).astype("float32")


def _input(shape: tuple[int, ...] | str, rng: np.random.Generator) -> np.ndarray:
    if shape == "words":
        return rng.integers(0, 11, (5, 6)).astype("int32")
    return rng.normal(size=(5, *shape)).astype("float32")


def _activation(draw: random.Random) -> str:
    return draw.choice(ACTIVATIONS)


def _dense(k: Any, draw: random.Random) -> tuple[Any, Any]:
    width = draw.randint(2, 6)
    layers = [k.Input((width,)), k.layers.Dense(draw.randint(2, 6), activation=_activation(draw))]
    for _ in range(draw.randint(0, 2)):
        follower = draw.choice(("normalize", "drop", "activate", "relu"))
        # A bias before a normalization has no gradient but rounding errors, which Adam magnifies.
        layers.append(k.layers.Dense(draw.randint(2, 5), use_bias=follower != "normalize" and draw.random() < 0.7))
        if follower == "normalize":
            layers.append(k.layers.BatchNormalization(momentum=0.9, scale=draw.random() < 0.5))
        elif follower == "drop":
            layers.append(k.layers.Dropout(0.25))
        elif follower == "activate":
            layers.append(k.layers.Activation(_activation(draw)))
        else:
            layers.append(k.layers.ReLU(max_value=1.5, negative_slope=0.1))
    layers.append(k.layers.Dense(3, activation="softmax", kernel_initializer="he_normal", kernel_regularizer="l2"))
    return k.Sequential(layers), [(width,)]


def _conv(k: Any, draw: random.Random) -> tuple[Any, Any]:
    channels = draw.randint(1, 3)
    layers = [
        k.Input((8, 8, channels)),
        k.layers.Rescaling(draw.choice((0.5, 1.0 / 255)), offset=0.1),
        k.layers.Conv2D(
            draw.randint(2, 4),
            draw.choice((2, 3, (3, 2))),
            strides=draw.choice((1, 2)),
            padding=draw.choice(("same", "valid")),
            activation=draw.choice(("relu", "tanh", None)),
            use_bias=draw.random() < 0.5,
        ),
        k.layers.BatchNormalization(),
        k.layers.ReLU(),
        k.layers.Dropout(0.2, seed=draw.choice((None, 3))),
        k.layers.MaxPooling2D(2, strides=draw.choice((None, 1)), padding=draw.choice(("same", "valid"))),
        draw.choice((k.layers.Flatten, k.layers.GlobalAveragePooling2D))(),
        k.layers.Dense(2),
    ]
    return k.Sequential(layers, name="pictures"), [(8, 8, channels)]


def _residual(k: Any, draw: random.Random) -> tuple[Any, Any]:
    inputs = k.Input((6, 6, 2), name="image")
    x = k.layers.Conv2D(3, 3, padding="same", dilation_rate=draw.choice((1, 2)), use_bias=False)(inputs)
    y = k.layers.BatchNormalization()(x)
    y = k.layers.Activation("relu")(y)
    x = x + y * draw.choice((2.0, 0.5))
    x = draw.choice((lambda: 1.0 - x, lambda: x / 2.0, lambda: -x, lambda: x - y, lambda: x**2.0))()
    if draw.random() < 0.5:
        x = k.ops.tanh(x)
    if draw.random() < 0.5:
        x = k.ops.concatenate([x, y], axis=-1)
    x = k.layers.GlobalAveragePooling2D(keepdims=draw.random() < 0.5)(x)
    x = k.layers.Flatten()(x)
    return k.Model(inputs, k.layers.Dense(2)(x), name="residual"), [(6, 6, 2)]


def _two_inputs(k: Any, draw: random.Random) -> tuple[Any, Any]:
    a, b = k.Input((4,), name="left"), k.Input((3,), name="right")
    x = k.layers.Dense(4, activation=_activation(draw))(a)
    y = k.layers.Dense(4)(b)
    joined = draw.choice((lambda: k.layers.Add()([x, y]), lambda: k.layers.Concatenate()([x, y]), lambda: x * y))()
    first = k.layers.Dense(2, name="first")(joined)
    if draw.random() < 0.5:
        return k.Model([a, b], first), [(4,), (3,)]
    second = k.layers.Dense(1, activation="sigmoid", name="second")(k.layers.Dropout(0.1)(joined))
    return k.Model([a, b], [first, second]), [(4,), (3,)]


def _words(k: Any, draw: random.Random) -> tuple[Any, Any]:
    width = draw.choice((2, 4))
    layers = [
        k.Input((6,), dtype="int32"),
        k.layers.Embedding(11, width),
        *([k.layers.Reshape((2, 3, width)), k.layers.GlobalAveragePooling2D()] if draw.random() < 0.5 else []),
        k.layers.Flatten(),
        k.layers.Dense(3, activation="softmax"),
    ]
    return k.Sequential(layers), ["words"]


def _nested(k: Any, draw: random.Random) -> tuple[Any, Any]:
    encoder = k.Sequential(
        [k.Input((5,)), k.layers.Dense(4, activation="tanh"), k.layers.BatchNormalization()], name="encoder"
    )
    inner = k.Input((4,), name="inner")
    head = k.Model(inner, k.layers.Dense(3)(inner) + 1.0, name="head")
    inputs = k.Input((5,))
    x = head(encoder(inputs))
    if draw.random() < 0.6:
        x = k.layers.Dense(4)(x)
        x = head(x)
    return k.Model(inputs, k.layers.Dense(2)(x)), [(5,)]


def _stacked(k: Any, draw: random.Random) -> tuple[Any, Any]:
    inputs = k.Input((4,))
    x = k.layers.Dense(draw.randint(2, 4), activation=_activation(draw))(inputs)
    body = k.Model(inputs, k.layers.Concatenate()([x, inputs]), name="body")
    layers = [k.Input((4,)), body, k.layers.Dense(3, use_bias=False)]
    layers += [k.layers.BatchNormalization(center=False), k.layers.Dense(1)]
    return k.Sequential(layers), [(4,)]


def _shared(k: Any, draw: random.Random) -> tuple[Any, Any]:
    a, b = k.Input((3, 2)), k.Input((3, 2))
    shared = k.layers.Dense(3, activation=_activation(draw), bias_initializer="ones")
    x, y = shared(a), shared(b)
    z = k.layers.Add()([x, y]) if draw.random() < 0.5 else k.ops.maximum(x, y)
    z = z[:, : draw.choice((1, 2))]
    return k.Model([a, b], k.layers.Dense(2)(k.layers.Flatten()(z))), [(3, 2), (3, 2)]


def _masked(k: Any, draw: random.Random) -> tuple[Any, Any]:
    """Words whose padding is masked, through layers that hand the mask on, join masks, or use them up."""
    inputs = k.Input((draw.choice((6, None)),), dtype="int32")
    x = k.layers.Embedding(11, 4, mask_zero=True)(inputs)
    x = draw.choice((lambda: x, lambda: k.layers.LayerNormalization()(x), lambda: k.layers.Dense(4)(x)))()
    y = k.layers.Bidirectional(draw.choice((k.layers.LSTM, k.layers.GRU))(3, return_sequences=True))(x)
    z = draw.choice((lambda: k.layers.Concatenate()([x, y]), lambda: k.layers.Add()([k.layers.Dense(6)(x), y])))()
    z = draw.choice((lambda: k.layers.SimpleRNN(4)(z), lambda: k.layers.GlobalAveragePooling1D()(z)))()
    return k.Model(inputs, k.layers.Dense(2)(z)), ["words"]


def _series(k: Any, draw: random.Random) -> tuple[Any, Any]:
    layers = [k.Input((6, 3)), k.layers.Masking(0.0)]
    layers.append(k.layers.TimeDistributed(k.layers.Dense(4, activation=_activation(draw))))
    if draw.random() < 0.5:
        layers.append(k.layers.LSTM(4, return_sequences=True, go_backwards=draw.random() < 0.5))
    layers.append(draw.choice((k.layers.GRU, k.layers.LSTM, k.layers.SimpleRNN))(3))
    return k.Sequential([*layers, k.layers.Dense(1)]), [(6, 3)]


def _attending(k: Any, draw: random.Random) -> tuple[Any, Any]:
    inputs = k.Input((None, 6))
    x = k.layers.MultiHeadAttention(2, draw.choice((3, 4)))(inputs, inputs, use_causal_mask=draw.random() < 0.5)
    x = k.layers.LayerNormalization()(x + inputs)
    y = k.layers.EinsumDense("btc,cd->btd", output_shape=(None, 6), bias_axes="d", activation="gelu")(x)
    x = draw.choice((k.layers.LayerNormalization, k.layers.RMSNormalization))()(k.layers.Add()([x, y]))
    return k.Model(inputs, k.layers.Dense(2)(k.layers.GlobalMaxPooling1D()(x))), [(5, 6)]


def _custom(k: Any, draw: random.Random) -> tuple[Any, Any]:
    """A layer and an activation of the user's, beside convolutions of all kinds."""
    scale, squash = register(k)
    inputs = k.Input((8, 8, 2))
    x = k.layers.SeparableConv2D(4, 3, padding="same", activation=squash)(inputs)
    x = scale(draw.choice((0.5, 2.0)))(k.layers.DepthwiseConv2D(3, strides=2)(x))
    x = k.layers.Conv2DTranspose(3, 3, strides=draw.choice((1, 2)), padding="same")(x)
    x = k.layers.GroupNormalization(3)(k.layers.ZeroPadding2D(1)(x))
    x = k.layers.PReLU(shared_axes=[1, 2])(k.layers.Cropping2D(((1, 0), (0, 1)))(x))
    return k.Model(inputs, k.layers.Dense(2)(k.layers.GlobalAveragePooling2D()(x))), [(8, 8, 2)]


@cache
def register(k: Any) -> tuple[Any, Any]:
    """A layer and an activation, registered as a user's own: files name them by their package."""

    @k.saving.register_keras_serializable(package="draw")
    class Scale(k.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape: Any) -> None:
            self.offset = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="offset")
            self.built = True

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor + self.offset

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    @k.saving.register_keras_serializable(package="draw")
    def squash(x: Any) -> Any:
        return k.ops.tanh(x) * 0.5

    return Scale, squash


_FORMS = (
    *(_dense, _conv, _residual, _two_inputs, _words, _nested, _stacked, _shared),
    *(_masked, _series, _attending, _custom),
)
