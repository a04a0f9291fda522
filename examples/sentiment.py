"""Whether a sentence praises or complains: words of different number, an embedding and an LSTM in both directions.

    python examples/sentiment.py [--small]

The sentences are made up, and what they mean hangs on the order of words: "not at all bad", "good, not".
"""

from __future__ import annotations

import argparse

import cornu as keras
import numpy as np
from cornu import layers

PRAISE = ["good", "great", "lovely", "fine", "splendid", "charming"]
BLAME = ["bad", "awful", "dull", "poor", "dreadful", "boring"]
FILLERS = ["the", "film", "was", "at", "all", "really", "quite", "and", "I", "thought", "music", "plot", "very"]
WORDS = ["<padding>", "not", *PRAISE, *BLAME, *FILLERS]
NUMBERS = {word: number for number, word in enumerate(WORDS)}


def sentence(rng: np.random.Generator) -> tuple[list[str], int]:
    """Words with one judgement among them, and 1 for praise or 0 for blame."""
    praise, negated = rng.integers(0, 2, 2)
    judgement = [str(rng.choice(PRAISE if praise else BLAME))]
    if negated:
        between = [str(word) for word in rng.choice(FILLERS, rng.integers(0, 2))]
        judgement = ["not", *between, *judgement]
    before, after = ([str(word) for word in rng.choice(FILLERS, rng.integers(0, 5))] for _ in range(2))
    return [*before, *judgement, *after], int(praise ^ negated)


def load(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sentences as numbers [count, 12], 0 behind their ends, and their labels."""
    rng = np.random.default_rng(seed)
    texts, labels = zip(*(sentence(rng) for _ in range(count)), strict=True)
    numbers = [[NUMBERS[word] for word in words] for words in texts]
    return keras.utils.pad_sequences(numbers, maxlen=12, padding="post"), np.array(labels)


def make_model() -> keras.Model:
    """Reads a sentence forwards and backwards; the mask leaves out what is behind its end."""
    inputs = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(len(WORDS), 16, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(16))(x)
    x = layers.Dropout(0.2)(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="praise")(x))
    model.compile(
        keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")]
    )
    return model


def main(small: bool = False, verbose: int = 2) -> dict[str, list[float]]:
    """Trains, judges two sentences, and returns the learning curves."""
    keras.utils.set_random_seed(0)
    x_train, y_train = load(1000 if small else 10_000, seed=1)
    model = make_model()
    stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    history = model.fit(
        x_train, y_train, batch_size=50, epochs=5 if small else 20, validation_data=load(300, seed=2), callbacks=[stop],
        verbose=verbose,
    )  # fmt: skip
    for text in ("the film was not at all bad", "I thought the plot was very dull"):
        words = np.array([[NUMBERS[word] for word in text.split() if word in NUMBERS]])
        praise = float(model.predict(words, verbose=0)[0, 0])
        if verbose:
            print(f"{praise:.0%} praise: {text}")
    curves: dict[str, list[float]] = history.history
    return curves


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few sentences, few epochs")
    main(parser.parse_args().small)
