"""IMDB: 50,000 film reviews as word numbers, half of them positive."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.datasets.arrays import Split, generator, ragged, read_npz, shuffled, take
from cornu.datasets.sources import find
from cornu.datasets.words import begin, drop_long, limit, read_index

_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_INDEX_HASH = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> Split:
    """Returns the reviews as `(x_train, y_train), (x_test, y_test)`: 25,000 and 25,000.

    Reviews are vectors of lists of word numbers, where a word's number is its rank by frequency plus `index_from`;
    labels are 1 for a positive review and 0 for a negative one. 0 is left for padding.

    Args:
        path: The file's name in the cache, or an absolute path.
        num_words: Numbers from this one on are replaced by `oov_char`; by default only the greatest.
        skip_top: Numbers below this one are replaced by `oov_char`.
        maxlen: Reviews of this length or longer are left out.
        seed: The seed of the shuffle.
        start_char: The number that begins each review; None for none.
        oov_char: What replaces a word; None leaves it out.
        index_from: What is added to each word's rank.
        kwargs: Nothing; Keras's signature has it for old names.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        TypeError: An argument is unknown.
        ValueError: The file is damaged, or `maxlen` leaves nothing.

    Source:
        Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)
        >>> x_train[0][:4]
        [1, 14, 22, 16]
    """
    if kwargs:
        raise TypeError(f"imdb.load_data has no argument {', '.join(sorted(kwargs))}.")
    found = find(path, _HASH)
    arrays = take(read_npz(found), found, "x_train", "y_train", "x_test", "y_test")
    draws = generator(seed)
    train, y_train = shuffled(draws, *arrays[:2])
    test, y_test = shuffled(draws, *arrays[2:])
    x_train, x_test = begin(train, start_char, index_from), begin(test, start_char, index_from)
    if maxlen:
        x_train, y_train = drop_long(x_train, y_train, maxlen)
        x_test, y_test = drop_long(x_test, y_test, maxlen)
    rows = limit(x_train + x_test, num_words, skip_top, oov_char)
    cut = len(x_train)
    return (ragged(rows[:cut]), np.asarray(y_train)), (ragged(rows[cut:]), np.asarray(y_test))


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Returns each word's rank by frequency, from 1, to which `load_data` adds its `index_from`.

    Args:
        path: The file's name in the cache, or an absolute path.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        ValueError: The file is damaged.

    Example:
        >>> get_word_index()["the"]
        1
    """
    return read_index(path, _INDEX_HASH)
