"""What CIFAR-10 and CIFAR-100 have in common: archives of pickled batches of 32 × 32 colour images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cornu.backend.config import image_data_format
from cornu.datasets.arrays import Arrays, unpickle
from cornu.datasets.sources import given
from cornu.utils.files import get_file


def find_batches(folder: str, cache_name: str, origin: str, file_hash: str) -> Path:
    """The folder that holds the batches.

    Args:
        folder: Its name inside the archive.
        cache_name: The name of the unpacked archive in a cache.
        origin: The archive's URL.
        file_hash: The archive's checksum.
    """
    here = given(folder, f"{cache_name}/{folder}")
    return here or Path(get_file(cache_name, origin, file_hash=file_hash, extract=True)) / folder


def read_batches(folder: Path, names: tuple[str, ...], label_key: str) -> Arrays:
    """The images and labels of some batches, one after another.

    Images are `uint8` of shape `(n, 32, 32, 3)`, or `(n, 3, 32, 32)` where the configured format is channels_first;
    labels `uint8` of shape `(n, 1)`.

    Args:
        folder: The folder of the batches.
        names: Their names.
        label_key: Which labels to take.

    Raises:
        ValueError: A batch is damaged or holds no such labels.
    """
    images, labels = zip(*(_read_batch(folder / name, label_key) for name in names), strict=True)
    x = np.concatenate(images)
    if image_data_format() == "channels_last":
        x = x.transpose(0, 2, 3, 1)
    return x, np.concatenate(labels).reshape(-1, 1)


def _read_batch(path: Path, label_key: str) -> Arrays:
    with path.open("rb") as file:
        content = unpickle(file, str(path), encoding="bytes")
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no batch, but a {type(content).__name__}.")
    batch = {key.decode() if isinstance(key, bytes) else key: value for key, value in content.items()}
    if missing := {"data", label_key} - set(batch):
        raise ValueError(f"{path} holds no {', '.join(sorted(missing))}.")
    data, labels = np.asarray(batch["data"], "uint8"), np.asarray(batch[label_key], "uint8")
    if data.size != len(labels) * 3 * 32 * 32:
        raise ValueError(f"{path} holds {data.size} bytes for {len(labels)} images of 3 × 32 × 32.")
    return data.reshape(len(labels), 3, 32, 32), labels
