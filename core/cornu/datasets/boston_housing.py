"""Boston housing: 506 districts of the 1970s with their median house values.

One of the features is built on an assumption about race, so that the set has an ethical problem; California housing
serves the same purpose without it.
"""

from __future__ import annotations

from cornu.datasets.arrays import Split
from cornu.datasets.housing import load_split

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Returns the districts as `(x_train, y_train), (x_test, y_test)`.

    Features are floats of shape `(n, 13)`; targets of shape `(n,)` are the median house value in $1,000.

    Args:
        path: The file's name in the cache, or an absolute path.
        test_split: The part that is held back for the test.
        seed: The seed of the shuffle.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        ValueError: The file is damaged, or `test_split` is not in [0, 1).

    Source:
        Harrison and Rubinfeld, "Hedonic prices and the demand for clean air", J. Environ. Economics & Management 5,
        1978.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape
        (404, 13)
    """
    return load_split(path, _HASH, test_split, seed)
