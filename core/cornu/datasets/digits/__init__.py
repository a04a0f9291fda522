"""1,797 real handwritten digits of 8 × 8 pixels, shipped with Cornu (CC BY 4.0, see NOTICE.txt beside this file)."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


def load_data(test_fraction: float = 1 / 6, seed: int = 0) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Returns the digits, shuffled and split into training and test data; nothing is downloaded.

    Images are `uint8` of shape `(n, 8, 8)` with values from 0 to 16, labels `uint8` of shape `(n,)`.

    Args:
        test_fraction: The part of the images to hold back for the test, more than 0 and less than 1.
        seed: The seed of the shuffle; the same one gives the same split everywhere.

    Raises:
        ValueError: The fraction leaves no image on one of the sides.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
        >>> x_train.shape, x_test.shape
        ((1497, 8, 8), (300, 8, 8))
    """
    with (files(__package__) / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        images, labels = data["images"], data["labels"]
    count = len(images)
    held = round(count * test_fraction)
    if not 0 < held < count:
        raise ValueError(
            f"test_fraction must leave images on both sides, not {held} of {count}, but is {test_fraction!r}."
        )
    # RandomState and no newer generator: its stream is frozen, so the split is the same with every NumPy.
    order = np.random.RandomState(seed).permutation(count)
    train, test = order[held:], order[:held]
    return (images[train], labels[train]), (images[test], labels[test])
