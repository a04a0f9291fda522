"""Small models drawn at random, from real Keras or from Cornu: the API is the same, so the module is an argument."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

KINDS = 8
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear", "softmax", "elu", "softplus")


def draw_model(k: Any, seed: int) -> tuple[Any, list[np.ndarray]]:
    """A model of one of `KINDS` forms and inputs for it; the same seed draws the same architecture.

    Args:
        k: `keras` or `cornu`.
        seed: Which model; `seed % KINDS` is its form.
    """
    draw = random.Random(seed)
    model, shapes = (_dense, _conv, _residual, _two_inputs, _words, _nested, _stacked, _shared)[seed % KINDS](k, draw)
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
