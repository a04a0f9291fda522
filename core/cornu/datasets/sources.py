"""Where the files of data sets come from."""

from __future__ import annotations

import os
from pathlib import Path

from cornu.utils.files import get_file

VARIABLE = "CORNU_DATASETS"

# Where the publishers of Keras keep them.
ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def given_folders() -> list[Path]:
    """The folders in `$CORNU_DATASETS`, separated as in `$PATH`."""
    return [Path(folder).expanduser() for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]


def given(*names: str) -> Path | None:
    """The first file or folder of one of these names in `$CORNU_DATASETS`; it is taken as it is, unverified.

    Args:
        names: Names relative to the folders, the best one first.
    """
    paths = (folder / name for folder in given_folders() for name in names)
    return next((path for path in paths if path.exists()), None)


def find(name: str, file_hash: str, origin: str = "") -> str:
    """The path of one file, which is downloaded if it is nowhere on this machine.

    Args:
        name: Its name in a cache; an absolute path that exists is taken as it is.
        file_hash: Its checksum.
        origin: The URL; that of the publishers of Keras for the name if missing.

    Raises:
        OSError: It is not here and cannot be downloaded.
        ValueError: The download does not have the checksum.
    """
    if Path(name).is_absolute():
        if not Path(name).is_file():
            raise FileNotFoundError(f"There is no data file {name!r}.")
        return name
    here = given(name)
    return str(here) if here else get_file(name, origin or ORIGIN + name, file_hash=file_hash)
