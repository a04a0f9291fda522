"""Fashion-MNIST: 70,000 images of clothes of 28 × 28 pixels."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from cornu.datasets.arrays import Split
from cornu.datasets.sources import ORIGIN, given
from cornu.utils.files import cornu_home, get_file, keras_home

# File → the MD5 checksum that its authors publish.
_FILES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_FOLDER = "fashion-mnist"

# Where Debian's package dataset-fashion-mnist puts the files (compressed anew, so that the checksums do not apply).
_SYSTEM = Path("/usr/share/datasets/fashion-mnist")

_BYTES = 0x08  # the idx format's code for unsigned bytes


def load_data() -> Split:
    """Returns the images as `(x_train, y_train), (x_test, y_test)`: 60,000 and 10,000.

    Images are `uint8` of shape `(n, 28, 28)` with values from 0 to 255, labels `uint8` of shape `(n,)`: 0 T-shirt,
    1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot. Debian's package
    `dataset-fashion-mnist` is used where it is installed.

    Raises:
        OSError: The files are not here and cannot be downloaded.
        ValueError: A file is damaged.

    Source:
        Xiao, Rasul and Vollgraf, "Fashion-MNIST", arXiv:1708.07747, 2017; MIT License, Zalando SE.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape
        (60000, 28, 28)
    """
    x_train, y_train, x_test, y_test = (read_idx(_find(name)) for name in _FILES)
    for images, labels, part in ((x_train, y_train, "train"), (x_test, y_test, "t10k")):
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise ValueError(
                f"Fashion-MNIST: the {part} files hold images of shape {images.shape} and labels of shape "
                f"{labels.shape}, which do not belong together."
            )
    return (x_train, y_train), (x_test, y_test)


def _find(name: str) -> str:
    here = given(f"{_FOLDER}/{name}", name)
    if here is not None:
        return str(here)
    folder = os.path.join("datasets", _FOLDER)  # noqa: PTH118 - a relative name
    cached = any((home / folder / name).is_file() for home in (cornu_home(), keras_home()))
    if not cached and (_SYSTEM / name).is_file():
        return str(_SYSTEM / name)
    return get_file(name, ORIGIN + name, file_hash=_FILES[name], cache_subdir=folder)


def read_idx(path: str) -> np.ndarray:
    """The bytes of a compressed idx file: a header of big-endian sizes, then the values.

    Args:
        path: The file.

    Raises:
        ValueError: It is no such file, holds no bytes, or is cut short.
    """
    try:
        with gzip.open(path, "rb") as file:
            content = file.read()
        zero, kind, rank = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
        if zero or kind != _BYTES or values.size != np.prod(shape):
            raise ValueError(f"its header says {shape} values of type {kind:#x}, and {values.size} bytes follow")
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise ValueError(f"{path} is no whole idx file of bytes: {error}.") from error
    return values.reshape(shape)
