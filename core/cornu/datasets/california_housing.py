"""California housing: 20,640 districts of the census of 1990 with their median house values."""

from __future__ import annotations

from cornu.datasets.arrays import Split
from cornu.datasets.housing import load_split

_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SMALL = 600


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """Returns the districts as `(x_train, y_train), (x_test, y_test)`.

    Features are floats of shape `(n, 8)`: longitude, latitude, median age of houses, rooms, bedrooms, population,
    households, median income in $10,000. Targets of shape `(n,)` are the median house value in dollars.

    Args:
        version: "large" for all districts, "small" for 600 of one region, whose values are easier to tell apart.
        path: The file's name in the cache, or an absolute path.
        test_split: The part that is held back for the test.
        seed: The seed of the shuffle.

    Raises:
        OSError: The file is not here and cannot be downloaded.
        ValueError: The version is unknown, the file is damaged, or `test_split` is not in [0, 1).

    Source:
        Pace and Barry, "Sparse Spatial Autoregressions", Statistics and Probability Letters 33, 1997.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape
        (16512, 8)
    """
    if version not in ("large", "small"):
        raise ValueError(f"version must be 'large' or 'small', not {version!r}.")
    return load_split(path, _HASH, test_split, seed, _SMALL if version == "small" else None)
