"""CIFAR-10: 60,000 colour images of 32 × 32 pixels in 10 classes."""

from __future__ import annotations

from cornu.datasets.arrays import Split
from cornu.datasets.cifar import find_batches, read_batches

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))


def load_data() -> Split:
    """Returns the images as `(x_train, y_train), (x_test, y_test)`: 50,000 and 10,000.

    Images are `uint8` of shape `(n, 32, 32, 3)` (channels first where that is configured), labels `uint8` of shape
    `(n, 1)`: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Raises:
        OSError: The files are not here and cannot be downloaded.
        ValueError: A file is damaged.

    Source:
        Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape
        (50000, 32, 32, 3)
    """
    folder = find_batches("cifar-10-batches-py", "cifar-10-batches-py-target", _ORIGIN, _HASH)
    return read_batches(folder, _TRAIN, "labels"), read_batches(folder, ("test_batch",), "labels")
