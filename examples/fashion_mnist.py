"""Clothes from Fashion-MNIST, classified by a small convolutional network that a generator feeds.

    python examples/fashion_mnist.py [--small] [--generated]

Without the data set (and with `--generated`) simple patterns stand in for the clothes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import cornu as keras
import numpy as np
from cornu import layers

NAMES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


def generated(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [count, 28, 28] of ten patterns of waves in noise, and their numbers."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    angle, wave = labels % 5 * np.pi / 5, np.where(labels < 5, 0.5, 1.1)
    y, x = np.mgrid[:28, :28]
    along = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y
    phase = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    images = 127 + 90 * np.sin(wave[:, None, None] * along + phase) + rng.normal(0, 30, (count, 28, 28))
    return np.clip(images, 0, 255).astype("uint8"), labels.astype("uint8")


def load(from_generator: bool, small: bool) -> Any:
    """Pictures and labels for training and for testing."""
    sizes = (600, 200) if small else (60_000, 10_000)
    if not from_generator:
        try:
            (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
            return (x_train[: sizes[0]], y_train[: sizes[0]]), (x_test[: sizes[1]], y_test[: sizes[1]])
        except OSError as error:
            print(f"Patterns stand in for Fashion-MNIST: {error}")
    return generated(sizes[0], seed=1), generated(sizes[1], seed=2)


def batches(images: np.ndarray, labels: np.ndarray, size: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless batches, each picture shifted by up to two pixels and perhaps mirrored."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            x = images[chosen, ..., None]
            x = np.roll(x, rng.integers(-2, 3, 2), axis=(1, 2))
            mirrored = rng.random(size) < 0.5
            x[mirrored] = x[mirrored, :, ::-1]
            yield x.astype("float32"), labels[chosen]


def make_model() -> keras.Model:
    """Two convolutions and a classifier."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(small: bool = False, from_generator: bool = False, verbose: int = 2) -> dict[str, list[float]]:
    """Trains, says how well it went, and returns the learning curves."""
    keras.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = load(from_generator, small)
    size = 50 if small else 128
    model = make_model()
    history = model.fit(
        batches(x_train, y_train, size, seed=3),
        steps_per_epoch=len(x_train) // size,
        epochs=5 if small else 8,
        validation_data=(x_test[..., None].astype("float32"), y_test),
        callbacks=[keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=2)],
        verbose=verbose,
    )
    guess = int(np.argmax(model.predict(x_test[:1, ..., None].astype("float32"), verbose=0)))
    if verbose:
        print(f"The first picture is taken for: {NAMES[guess]}; it is: {NAMES[int(y_test[0])]}")
    curves: dict[str, list[float]] = history.history
    return curves


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few pictures, few epochs")
    parser.add_argument("--generated", action="store_true", help="patterns in the place of the data set")
    arguments = parser.parse_args()
    main(arguments.small, arguments.generated)
