"""The gate's four models, written against `keras.*`: Cornu and Keras run the same lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """A model with the batches that it is timed on.

    Args:
        make: Builds the model from the module `keras` or `cornu`.
        shape: The shape of one sample.
        batch: Samples in a batch.
        steps: Batches in one measurement.
    """

    make: Callable[[Any], Any]
    shape: tuple[int, ...]
    batch: int
    steps: int


def mlp(keras: Any) -> Any:
    """Dense 784-512-512-10."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((784,)), layers.Dense(512, "relu"), layers.Dense(512, "relu"), layers.Dense(10)]
    )


def cnn(keras: Any) -> Any:
    """Two 3x3 convolutions, 32 and 64 channels, each with a 2x2 pooling, then one dense layer."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def resnet(keras: Any) -> Any:
    """A stem and three stages of one residual block each (16, 32, 64 channels), with batch normalization."""
    layers = keras.layers

    def normalized(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalized(inputs, 16, 3))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(normalized(x, filters, 3, strides))
        y = normalized(y, filters, 3)
        if strides == 2:
            x = normalized(x, filters, 1, 2)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def lstm(keras: Any) -> Any:
    """LSTM(64) over 80 steps of 64 numbers, then one dense layer."""
    return keras.Sequential([keras.Input((80, 64)), keras.layers.LSTM(64), keras.layers.Dense(10)])


CASES = {
    "mlp": Case(mlp, (784,), 128, 60),
    "cnn": Case(cnn, (28, 28, 1), 128, 20),
    "resnet": Case(resnet, (32, 32, 3), 64, 8),
    "lstm": Case(lstm, (80, 64), 64, 20),
}
