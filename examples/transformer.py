"""A small Transformer that sorts: it reads eight numbers and writes them in order.

python examples/transformer.py [--small]
"""

from __future__ import annotations

import argparse
from typing import Any

import cornu as keras
import numpy as np
from cornu import layers, ops

LENGTH, HIGHEST = 8, 12


@keras.utils.register_keras_serializable(package="examples")
class TokensAndPositions(layers.Layer):
    """The sum of an embedding of each token and one of its place.

    Args:
        tokens: How many tokens there are.
        places: How long a sequence may be.
        width: The embeddings' size.
    """

    def __init__(self, tokens: int, places: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tokens, self.places, self.width = tokens, places, width
        self.of_tokens = layers.Embedding(tokens, width)
        self.of_places = layers.Embedding(places, width)

    def call(self, inputs: Any) -> Any:
        return self.of_tokens(inputs) + self.of_places(ops.arange(self.places))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "tokens": self.tokens, "places": self.places, "width": self.width}


def block(x: Any, width: int, heads: int) -> Any:
    """Attention and a small network, each added to what it works on."""
    attended = layers.MultiHeadAttention(heads, width // heads, dropout=0.05)(x, x)
    x = layers.LayerNormalization()(x + attended)
    hidden = layers.Dense(2 * width, activation="gelu")(x)
    return layers.LayerNormalization()(x + layers.Dense(width)(hidden))


def make_model(width: int = 32, heads: int = 4, blocks: int = 2) -> keras.Model:
    """For every place, how likely each number is to stand there in order."""
    inputs = keras.Input((LENGTH,), dtype="int32", name="numbers")
    x = TokensAndPositions(HIGHEST, LENGTH, width)(inputs)
    for _ in range(blocks):
        x = block(x, width, heads)
    model = keras.Model(inputs, layers.Dense(HIGHEST, name="sorted")(x))
    model.compile(
        optimizer=keras.optimizers.AdamW(3e-3, weight_decay=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return model


def load(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [count, 8], and the same in order."""
    numbers = np.random.default_rng(seed).integers(0, HIGHEST, (count, LENGTH))
    return numbers, np.sort(numbers, axis=1)


def main(small: bool = False, verbose: int = 2) -> dict[str, list[float]]:
    """Trains, sorts one list, and returns the learning curves."""
    keras.utils.set_random_seed(0)
    x_train, y_train = load(1500 if small else 20_000, seed=1)
    model = make_model(blocks=1 if small else 2)
    history = model.fit(
        x_train, y_train, batch_size=50, epochs=5 if small else 15, validation_data=load(300, seed=2), verbose=verbose
    )
    numbers, _ = load(1, seed=3)
    written = np.argmax(model.predict(numbers, verbose=0), axis=-1)
    if verbose:
        print(f"{numbers[0].tolist()} in order: {written[0].tolist()}")
    curves: dict[str, list[float]] = history.history
    return curves


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="one block, few numbers, few epochs")
    main(parser.parse_args().small)
