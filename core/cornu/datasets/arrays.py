"""Reading the array files of data sets without running what a pickle may hold."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any, BinaryIO

import numpy as np

_ALLOWED = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),  # how Python 3 writes bytes in protocol 2
    }
)

Arrays = tuple[np.ndarray, np.ndarray]
Split = tuple[Arrays, Arrays]


class _ArrayUnpickler(pickle.Unpickler):
    """Makes arrays, lists, dicts, numbers and strings, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no part of a data set")
        if module.startswith("numpy") and name == "_reconstruct":
            module = "numpy._core.multiarray" if hasattr(np, "_core") else "numpy.core.multiarray"
        return super().find_class(module, name)


def unpickle(file: BinaryIO, path: str, encoding: str = "ASCII") -> Any:
    """What a pickle holds, if it is data only.

    Args:
        file: The open file.
        path: Its name, for errors.
        encoding: How Python 2's strings are decoded; "bytes" leaves them.

    Raises:
        ValueError: It asks for anything but arrays and plain values, or is damaged.
    """
    try:
        return _ArrayUnpickler(file, encoding=encoding).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as data: {error}.") from error


def read_npz(path: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, arrays of lists included.

    Args:
        path: The file.

    Raises:
        ValueError: It is no .npz file, or holds anything but data.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".npy"):
                    arrays[member.removesuffix(".npy")] = _read_npy(archive.read(member), f"{path}/{member}")
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no .npz file: {error}.") from error
    return arrays


def _read_npy(content: bytes, path: str) -> np.ndarray:
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(file)
    if not dtype.hasobject:
        file.seek(0)
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return array
    return np.asarray(unpickle(file, path), dtype=object).reshape(shape)


def take(arrays: dict[str, np.ndarray], path: str, *names: str) -> list[np.ndarray]:
    """Arrays of a file by name.

    Args:
        arrays: What `read_npz` returned.
        path: The file, for errors.
        names: The names.

    Raises:
        ValueError: One is missing.
    """
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{path} holds no {', '.join(missing)}; it holds {', '.join(sorted(arrays)) or 'nothing'}.")
    return [arrays[name] for name in names]


def ragged(rows: list[Any]) -> np.ndarray:
    """A vector of lists, even where these are of one length.

    Args:
        rows: The lists.
    """
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def generator(seed: int) -> np.random.RandomState:
    """The generator from which Keras draws the order of a data set, whose stream is frozen.

    Args:
        seed: The seed.
    """
    return np.random.RandomState(seed)


def shuffled(draws: np.random.RandomState, *arrays: np.ndarray) -> list[np.ndarray]:
    """Arrays in one random order.

    Args:
        draws: Where the order comes from.
        arrays: Arrays of one length.
    """
    order = np.arange(len(arrays[0]))
    draws.shuffle(order)
    return [array[order] for array in arrays]


def check_fraction(test_split: float) -> None:
    """Checks the part of a data set that is held back.

    Args:
        test_split: The part.

    Raises:
        ValueError: It is not in [0, 1).
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be at least 0 and less than 1, not {test_split!r}.")
