"""A variational autoencoder of handwritten digits, with a training step of its own.

    python examples/autoencoder.py [--small]

The digits are the 1,797 of 8 × 8 pixels that come with Cornu. The loss is the negative evidence lower bound,
`E[-log p(x | z)] + KL(q(z | x) || N(0, 1))`.

Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2013.
"""

from __future__ import annotations

import argparse
from typing import Any

import cornu as keras
import numpy as np
from cornu import layers, ops


class Sampling(layers.Layer):
    """Draws z from a normal distribution of a given mean and logarithm of the variance."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, inputs: Any) -> Any:
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(0.5 * log_variance) * noise


class Autoencoder(keras.Model):
    """Encodes pictures as points of few dimensions, and decodes points as pictures.

    Args:
        dimensions: How many.
    """

    def __init__(self, dimensions: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dimensions = dimensions
        pixels = keras.Input((64,))
        hidden = layers.Dense(64, activation="relu")(pixels)
        mean = layers.Dense(dimensions, name="mean")(hidden)
        log_variance = layers.Dense(dimensions, name="log_variance")(hidden)
        self.encoder = keras.Model(pixels, [mean, log_variance, Sampling()([mean, log_variance])], name="encoder")
        self.decoder = keras.Sequential(
            [keras.Input((dimensions,)), layers.Dense(64, activation="relu"), layers.Dense(64, activation="sigmoid")],
            name="decoder",
        )
        self.total = keras.metrics.Mean(name="loss")
        self.reconstruction = keras.metrics.Mean(name="reconstruction")
        self.divergence = keras.metrics.Mean(name="divergence")

    @property
    def metrics(self) -> list[Any]:
        return [self.total, self.reconstruction, self.divergence]

    def call(self, inputs: Any) -> Any:
        return self.decoder(self.encoder(inputs)[2])

    def measure(self, x: Any) -> Any:
        """The loss of a batch; notes its parts."""
        mean, log_variance, z = self.encoder(x)
        reconstruction = 64 * ops.mean(keras.losses.binary_crossentropy(x, self.decoder(z)))
        parts = ops.square(mean) + ops.exp(log_variance) - log_variance - 1
        divergence = 0.5 * ops.mean(ops.sum(parts, axis=-1))
        loss = reconstruction + divergence
        for metric, value in zip(self.metrics, (loss, reconstruction, divergence), strict=True):
            metric.update_state(value)
        return loss

    def train_step(self, data: Any) -> dict[str, Any]:
        with keras.GradientTape() as tape:
            loss = self.measure(data[0])
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data: Any) -> dict[str, Any]:
        self.measure(data[0])
        return {metric.name: metric.result() for metric in self.metrics}


def as_text(picture: np.ndarray) -> str:
    """A picture of 64 pixels in characters."""
    return "\n".join("".join(" .:+#@"[int(5.99 * pixel)] * 2 for pixel in row) for row in picture.reshape(8, 8))


def main(small: bool = False, verbose: int = 2) -> dict[str, list[float]]:
    """Trains, draws a picture of what lies in the middle, and returns the learning curves."""
    keras.utils.set_random_seed(0)
    (x_train, _), (x_test, _) = keras.datasets.digits.load_data()
    x_train, x_test = (x.reshape(-1, 64).astype("float32") / 16 for x in (x_train, x_test))
    model = Autoencoder()
    model.compile(optimizer=keras.optimizers.Adam(2e-3))
    history = model.fit(
        x_train[:500] if small else x_train, batch_size=50, epochs=6 if small else 60,
        validation_data=(x_test,), verbose=verbose,
    )  # fmt: skip
    middle = model.decoder.predict(np.zeros((1, model.dimensions), "float32"), verbose=0)[0]
    if verbose:
        print(f"What the point (0, 0) means:\n{as_text(middle)}")
    curves: dict[str, list[float]] = history.history
    return curves


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few digits, few epochs")
    main(parser.parse_args().small)
