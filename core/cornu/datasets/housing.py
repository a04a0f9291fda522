"""What the data sets of house prices have in common."""

from __future__ import annotations

from cornu.datasets.arrays import Split, check_fraction, generator, read_npz, shuffled, take
from cornu.datasets.sources import find


def load_split(path: str, file_hash: str, test_split: float, seed: int, count: int | None = None) -> Split:
    """A file of features and prices, shuffled and split.

    Args:
        path: The file's name in the cache, or an absolute path.
        file_hash: Its checksum.
        test_split: The part that is held back for the test.
        seed: The seed of the shuffle.
        count: How many of its rows are used; all if None.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        ValueError: The file is damaged, or `test_split` is not in [0, 1).
    """
    check_fraction(test_split)
    found = find(path, file_hash)
    x, y = take(read_npz(found), found, "x", "y")
    x, y = shuffled(generator(seed), x[:count], y[:count])
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])
