"""Reuters: 11,228 newswires as word numbers, in 46 topics."""

from __future__ import annotations

import numpy as np

from cornu.datasets.arrays import Split, check_fraction, generator, ragged, read_npz, shuffled, take
from cornu.datasets.sources import find
from cornu.datasets.words import begin, drop_long, limit, read_index

_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_INDEX_HASH = "4d44cc38712099c9e383dc6e5f11a921"

_TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar",
    "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp",
    "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel",
    "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)  # fmt: skip


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """Returns the newswires as `(x_train, y_train), (x_test, y_test)`.

    Newswires are vectors of lists of word numbers, where a word's number is its rank by frequency plus `index_from`;
    labels are topics from 0 to 45 (see `get_label_names`). 0 is left for padding.

    Args:
        path: The file's name in the cache, or an absolute path.
        num_words: Numbers from this one on are replaced by `oov_char`; by default only the greatest.
        skip_top: Numbers below this one are replaced by `oov_char`.
        maxlen: Newswires of this length or longer are left out.
        test_split: The part that is held back for the test.
        seed: The seed of the shuffle.
        start_char: The number that begins each newswire; None for none.
        oov_char: What replaces a word; None leaves it out.
        index_from: What is added to each word's rank.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        ValueError: The file is damaged, `test_split` is not in [0, 1), or `maxlen` leaves nothing.

    Source:
        Lewis, "Reuters-21578 text categorization test collection", 1997.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)
        >>> len(x_train), len(x_test)
        (8982, 2246)
    """
    check_fraction(test_split)
    found = find(path, _HASH)
    x, labels = shuffled(generator(seed), *take(read_npz(found), found, "x", "y"))
    rows = begin(x, start_char, index_from)
    if maxlen:
        rows, labels = drop_long(rows, labels, maxlen)
    rows = limit(rows, num_words, skip_top, oov_char)
    cut = int(len(rows) * (1 - test_split))
    labels = np.asarray(labels)
    return (ragged(rows[:cut]), labels[:cut]), (ragged(rows[cut:]), labels[cut:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Returns each word's rank by frequency, from 1, to which `load_data` adds its `index_from`.

    Args:
        path: The file's name in the cache, or an absolute path.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        ValueError: The file is damaged.
    """
    return read_index(path, _INDEX_HASH)


def get_label_names() -> tuple[str, ...]:
    """Returns the topics' names by label.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return _TOPICS
