"""Houses by a picture and a few facts: their price with its uncertainty, and their kind.

    python examples/houses.py [--small]

Two inputs, two outputs, and one of each that a user writes: a loss, a metric, a layer, a callback. The houses are made
up: the kind shows in the picture, and the price hangs on the facts and on the kind.
"""

from __future__ import annotations

import argparse
from typing import Any

import cornu as keras
import numpy as np
from cornu import layers, ops

KINDS = ("cottage", "tower", "hall")


@keras.utils.register_keras_serializable(package="examples")
class Quantiles(keras.losses.Loss):
    """The pinball loss: `max(q · e, (q - 1) · e)` with `e = y_true - y_pred`, the mean over quantiles q.

    Args:
        quantiles: One for each column of the predictions.
    """

    def __init__(self, quantiles: tuple[float, ...] = (0.1, 0.5, 0.9), name: str = "quantiles", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.quantiles = tuple(quantiles)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        quantiles = ops.array(self.quantiles, dtype=error.dtype)
        return ops.mean(ops.maximum(quantiles * error, (quantiles - 1) * error), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "quantiles": self.quantiles}


@keras.utils.register_keras_serializable(package="examples")
class Covered(keras.metrics.Metric):
    """The part of the true values that lie between the lowest and the highest prediction."""

    def __init__(self, name: str = "covered", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.inside = self.add_weight(shape=(), initializer="zeros", name="inside")
        self.seen = self.add_weight(shape=(), initializer="zeros", name="seen")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        low, high = ops.min(y_pred, axis=-1, keepdims=True), ops.max(y_pred, axis=-1, keepdims=True)
        inside = ops.cast(ops.logical_and(low <= y_true, y_true <= high), "float32")
        weight = ops.ones_like(inside) if sample_weight is None else ops.reshape(sample_weight, (-1, 1))
        self.inside.assign_add(ops.sum(inside * weight))
        self.seen.assign_add(ops.sum(weight))

    def result(self) -> Any:
        return self.inside / ops.maximum(self.seen, 1.0)


@keras.utils.register_keras_serializable(package="examples")
class Gate(layers.Layer):
    """Mixes two vectors: `g · a + (1 - g) · b` with `g = sigmoid(W [a, b] + c)`."""

    def build(self, input_shape: Any) -> None:
        width = input_shape[0][-1]
        self.kernel = self.add_weight(shape=(2 * width, width), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        a, b = inputs
        gate = ops.sigmoid(ops.matmul(ops.concatenate([a, b], axis=-1), self.kernel) + self.bias)
        return gate * a + (1 - gate) * b


class Weigh(keras.callbacks.Callback):
    """Notes each epoch how the two losses relate, and ends training when both are small.

    Args:
        enough: What counts as small.
    """

    def __init__(self, enough: float = 0.01) -> None:
        super().__init__()
        self.enough = enough
        self.ratios: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        price, kind = logs["price_loss"], logs["kind_loss"]
        self.ratios.append(price / max(kind, 1e-9))
        if max(price, kind) < self.enough:
            self.model.stop_training = True


def load(count: int, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Pictures [count, 12, 12, 1] and facts [count, 4]; prices [count, 1] and kinds [count]."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, len(KINDS), count)
    heights, widths = np.array([5, 10, 6])[kinds], np.array([6, 3, 11])[kinds]
    rows, columns = np.mgrid[:12, :12]
    inside = (11 - rows < heights[:, None, None]) & (abs(columns - 5.5) < widths[:, None, None] / 2)
    pictures = inside + rng.normal(0, 0.3, (count, 12, 12))
    facts = rng.normal(0, 1, (count, 4))
    prices = facts @ [0.5, -0.2, 0.3, 0.0] + np.array([0.0, 1.0, 2.0])[kinds] + rng.normal(0, 0.1, count)
    x = {"picture": pictures[..., None].astype("float32"), "facts": facts.astype("float32")}
    return x, {"price": prices[:, None].astype("float32"), "kind": kinds}


def make_model() -> keras.Model:
    """From a picture and facts to three quantiles of the price, and to the kind."""
    picture, facts = keras.Input((12, 12, 1), name="picture"), keras.Input((4,), name="facts")
    seen = layers.Conv2D(8, 3, activation="relu")(picture)
    seen = layers.Dense(16, activation="relu")(layers.Flatten()(layers.MaxPooling2D()(seen)))
    known = layers.Dense(16, activation="relu")(facts)
    mixed = layers.Concatenate()([Gate()([seen, known]), facts])
    price = layers.Dense(3, name="price")(layers.Dense(16, activation="relu")(mixed))
    kind = layers.Dense(len(KINDS), activation="softmax", name="kind")(seen)
    model = keras.Model({"picture": picture, "facts": facts}, {"price": price, "kind": kind})
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 200, 0.8)),
        loss={"price": Quantiles(), "kind": "sparse_categorical_crossentropy"},
        loss_weights={"price": 1.0, "kind": 0.2},
        metrics={"price": [Covered()], "kind": ["accuracy"]},
    )
    return model


def main(small: bool = False, verbose: int = 2) -> dict[str, list[float]]:
    """Trains, prices one house, and returns the learning curves."""
    keras.utils.set_random_seed(0)
    x_train, y_train = load(600 if small else 6000, seed=1)
    x_test, y_test = load(200, seed=2)
    model, weigh = make_model(), Weigh()
    history = model.fit(
        x_train, y_train, batch_size=50, epochs=6 if small else 20, validation_data=(x_test, y_test),
        callbacks=[weigh], verbose=verbose,
    )  # fmt: skip
    answer = model.predict({name: part[:1] for name, part in x_test.items()}, verbose=0)
    low, middle, high = sorted(answer["price"][0].tolist())
    if verbose:
        print(f"A {KINDS[int(np.argmax(answer['kind'][0]))]}: {middle:.2f}, likely from {low:.2f} to {high:.2f}.")
    curves: dict[str, list[float]] = history.history
    return curves


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few houses, few epochs")
    main(parser.parse_args().small)
