"""CIFAR-100: 60,000 colour images of 32 × 32 pixels in 100 classes, which form 20 groups."""

from __future__ import annotations

from cornu.datasets.arrays import Split
from cornu.datasets.cifar import find_batches, read_batches

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """Returns the images as `(x_train, y_train), (x_test, y_test)`: 50,000 and 10,000.

    Images are `uint8` of shape `(n, 32, 32, 3)` (channels first where that is configured), labels `uint8` of shape
    `(n, 1)`.

    Args:
        label_mode: "fine" for the 100 classes, "coarse" for the 20 groups.

    Raises:
        OSError: The files are not here and cannot be downloaded.
        ValueError: The mode is unknown, or a file is damaged.

    Source:
        Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")
        >>> int(y_train.max())
        19
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"label_mode must be 'fine' or 'coarse', not {label_mode!r}.")
    folder = find_batches("cifar-100-python", "cifar-100-python-target", _ORIGIN, _HASH)
    key = f"{label_mode}_labels"
    return read_batches(folder, ("train",), key), read_batches(folder, ("test",), key)
