"""The models that are timed, written against `keras.*`: Cornu and Keras run the same lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Workload:
    """A model with the batches that it is timed on.

    Args:
        what: What it is, in a few words.
        make: Builds the model from the module `keras` or `cornu`.
        shape: The shape of one sample.
        batch: Samples in a batch.
        steps: Batches in one measurement.
        random: Whether training draws random numbers, so that losses differ between frameworks.
    """

    what: str
    make: Callable[[Any], Any]
    shape: tuple[int, ...]
    batch: int
    steps: int
    random: bool = False


def mlp(keras: Any) -> Any:
    """Dense 784-512-512-10."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((784,)), layers.Dense(512, "relu"), layers.Dense(512, "relu"), layers.Dense(10)]
    )


def _convolutions(keras: Any) -> list[Any]:
    layers = keras.layers
    return [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ]


def cnn(keras: Any) -> Any:
    """Two 3x3 convolutions, 32 and 64 channels, each with a 2x2 pooling, a dropout and one dense layer."""
    layers = keras.layers
    return keras.Sequential(
        [
            *_convolutions(keras),
            layers.Dropout(0.5),
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


def transformer(keras: Any) -> Any:
    """Two encoder blocks on 64 tokens of width 128: four heads, a feed-forward of 256, normalization before each."""
    layers = keras.layers
    inputs = keras.Input((64, 128))
    x = inputs
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 32)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(256, activation="relu")(y)
        x = layers.Add()([x, layers.Dense(128)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(10)(x))


def deep(keras: Any) -> Any:
    """Sixty dense layers of 32 units: what a framework costs around the mathematics."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((32,)), *(layers.Dense(32, activation="tanh") for _ in range(59)), layers.Dense(10)]
    )


WORKLOADS = {
    "mlp-128": Workload("MLP 784-512-512-10, batch 128", mlp, (784,), 128, 60),
    "mlp-32": Workload("MLP 784-512-512-10, batch 32", mlp, (784,), 32, 120),
    "cnn": Workload("CNN 28×28, 32 and 64 filters, dropout, batch 128", cnn, (28, 28, 1), 128, 15, random=True),
    "resnet": Workload("ResNet 32×32×3, batch 64", resnet, (32, 32, 3), 64, 8),
    "lstm": Workload("LSTM(64) on 80×64, batch 64", lstm, (80, 64), 64, 20),
    "transformer": Workload("Transformer, 2 blocks, 64×128, batch 32", transformer, (64, 128), 32, 12),
    "deep": Workload("60 Dense layers of 32, batch 32", deep, (32,), 32, 100),
}


def large(keras: Any) -> Any:
    """Fifty million parameters in dense layers."""
    layers = keras.layers
    return keras.Sequential([keras.Input((2048,)), *(layers.Dense(4096, "relu") for _ in range(3)), layers.Dense(2048)])


def fashion(keras: Any) -> Any:
    """A network for Fashion-MNIST."""
    layers = keras.layers
    return keras.Sequential(
        [
            *_convolutions(keras),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
