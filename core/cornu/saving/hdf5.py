"""The one reader and the one writer of HDF5 files; h5py is imported when a file is opened."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeAlias

import numpy as np

Source: TypeAlias = str | os.PathLike[str] | IO[bytes]
BOMB_FLOOR = 64 << 20
BOMB_RATIO = 1000
MEMORY_LIMIT = 64 << 20  # larger files are made on disk
HEADER_LIMIT = 64512  # bytes of attributes that one HDF5 object header can take


class H5Reader:
    """Reads groups, arrays and attributes by path, and follows no link out of the file.

    Args:
        source: A path or a binary file.

    Raises:
        ValueError: If it is no HDF5 file.
    """

    def __init__(self, source: Source) -> None:
        import h5py

        self._h5py = h5py
        self.name = str(getattr(source, "name", None) or source) if not isinstance(source, Path) else str(source)
        if isinstance(source, (str, os.PathLike)) and not Path(source).is_file():
            raise FileNotFoundError(f"No such file: {source}")
        try:
            self.root = h5py.File(source, "r")
        except OSError as error:
            raise ValueError(f"{self.name} is not a readable HDF5 file: {error}.") from error

    def group(self, path: str, parent: Any = None) -> Any:
        """The group at a path, or None.

        Raises:
            ValueError: If a link or an array is in the way.
        """
        current = self.root if parent is None else parent
        for part in path.split("/"):
            if not part:
                continue
            current = self._child(current, part)
            if current is None:
                return None
            if not isinstance(current, self._h5py.Group):
                raise ValueError(f"{self.name}: expected a group at {path!r}, found an array.")
        return current

    def _child(self, group: Any, name: str) -> Any:
        if name in (".", ".."):
            raise ValueError(f"{self.name}: refused the path part {name!r} below {group.name}.")
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, self._h5py.HardLink):
            raise ValueError(f"{self.name}: refused, {group.name}/{name} is a {type(link).__name__}.")
        return group[name]

    def array(self, group: Any, path: str) -> np.ndarray:
        """The array at a path below a group.

        Raises:
            KeyError: If there is none.
            ValueError: If its data lies in another file, is not numeric, or is far less than its shape claims.
        """
        *folders, name = path.split("/")
        parent = self.group("/".join(folders), group) if folders else group
        dataset = None if parent is None else self._child(parent, name)
        if dataset is None:
            raise KeyError(f"{self.name}: no array {path!r} below {group.name}.")
        self._check(dataset)
        stored = dataset[()]
        return _as_bfloat16(stored) if _text(dataset.attrs.get("dtype")) == "bfloat16" else np.asarray(stored)

    def _check(self, dataset: Any) -> None:
        where = f"{self.name}: refused {dataset.name}"
        if not isinstance(dataset, self._h5py.Dataset):
            raise ValueError(f"{where}: expected an array, found a group.")
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{where}: its data lies in another file.")
        if dataset.shape is None or dataset.dtype.kind not in "biufcV" or dataset.dtype.names:
            raise ValueError(f"{where}: not an array of numbers ({dataset.dtype}).")
        claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        if claimed > max(BOMB_FLOOR, BOMB_RATIO * stored):
            raise ValueError(f"{where}: shape {dataset.shape} claims {claimed} bytes, of which {stored} are stored.")

    def text(self, name: str, group: Any = None) -> str | None:
        """A string attribute, or None."""
        return _text((self.root if group is None else group).attrs.get(name))

    def strings(self, group: Any, name: str) -> list[str]:
        """A list-of-strings attribute, put together from `name0`, `name1`, ... where it was too long for one."""
        if name in group.attrs:
            return [str(_text(item)) for item in group.attrs[name]]
        found: list[str] = []
        part = 0
        while f"{name}{part}" in group.attrs:
            found += [str(_text(item)) for item in group.attrs[f"{name}{part}"]]
            part += 1
        return found

    def variables(self, path: str) -> Variables:
        """The arrays of the object at a path: those in its group `vars`."""
        parent = self.group(path)
        return Variables(self, None if parent is None else self.group("vars", parent))

    def __enter__(self) -> H5Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: TracebackType | None) -> None:
        self.root.close()


class Variables(MutableMapping[str, np.ndarray]):
    """The stored arrays of one object, as `load_own_variables` receives them: a read-only mapping by name.

    Args:
        reader: The file.
        group: The group that holds them, or None if the file has nothing for the object.
    """

    def __init__(self, reader: H5Reader, group: Any) -> None:
        self._reader = reader
        self._group = group

    def __getitem__(self, key: str) -> np.ndarray:
        if self._group is None:
            raise KeyError(key)
        return self._reader.array(self._group, key)

    def __iter__(self) -> Iterator[str]:
        return iter(() if self._group is None else self._group.keys())

    def __len__(self) -> int:
        return 0 if self._group is None else len(self._group)

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError("The store of a file that is being loaded cannot be written to.")

    def __delitem__(self, key: str) -> None:
        raise TypeError("The store of a file that is being loaded cannot be written to.")


def _text(value: Any) -> str | None:
    return value.decode("utf-8") if isinstance(value, bytes) else None if value is None else str(value)


def _as_bfloat16(stored: Any) -> np.ndarray:
    import ml_dtypes

    array = np.asarray(stored)
    if array.dtype.kind == "V" and array.dtype.itemsize == 2:
        return array.view(ml_dtypes.bfloat16)
    return array.astype(ml_dtypes.bfloat16)


class H5Writer:
    """Writes groups, arrays and attributes.

    Args:
        target: A path or a binary file.
    """

    def __init__(self, target: Source) -> None:
        import h5py

        self.root = h5py.File(target, "w")

    def group(self, path: str, parent: Any = None) -> Any:
        """The group at a path, made if it is missing."""
        base = self.root if parent is None else parent
        return base.require_group(path) if path else base

    def array(self, group: Any, name: str, value: Any) -> None:
        """Stores an array; bfloat16 is marked, since HDF5 does not know it."""
        array = np.asarray(value)
        dataset = group.create_dataset(name, data=array)
        if array.dtype.name == "bfloat16":
            dataset.attrs["dtype"] = "bfloat16"

    def strings(self, group: Any, name: str, values: Sequence[str]) -> None:
        """Stores a list-of-strings attribute, in parts `name0`, `name1`, ... if it is too long for one.

        Raises:
            ValueError: If one string alone is too long.
        """
        longest = max((len(value.encode()) for value in values), default=0)
        if longest > HEADER_LIMIT:
            raise ValueError(f"A name of {longest} bytes is too long for the attribute {name} of an HDF5 file.")
        per_part = max(1, HEADER_LIMIT // max(longest, 16))
        parts = [list(values[start : start + per_part]) for start in range(0, len(values), per_part)]
        if len(parts) <= 1:
            group.attrs[name] = list(values)
        else:
            for number, part in enumerate(parts):
                group.attrs[f"{name}{number}"] = part

    def variables(self, path: str, name: str | None = None) -> VariablesWriter:
        """A store for the arrays of the object at a path.

        Args:
            path: Where; empty for the outermost object.
            name: The object's name, kept as an attribute.
        """
        return VariablesWriter(self, f"{path}/vars" if path else "vars", name)

    def __enter__(self) -> H5Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: TracebackType | None) -> None:
        self.root.close()


@contextmanager
def written_to(file: IO[bytes]) -> Iterator[H5Writer]:
    """A writer whose file reaches `file` in one piece at the end.

    It is made in memory, or if large in a temporary file: the HDF5 library cannot recover from a failed write to its
    target, and leaves a file open that it can neither finish nor close.

    Args:
        file: A binary file.
    """
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT) as copy:
        with H5Writer(copy) as writer:
            yield writer
        copy.seek(0)
        shutil.copyfileobj(copy, file, 1 << 20)


class VariablesWriter(MutableMapping[str, Any]):
    """The store that `save_own_variables` fills: `store["0"] = variable`.

    Args:
        writer: The file.
        path: The group; made at once with a name, else with the first array.
        name: The object's name, or None.
    """

    def __init__(self, writer: H5Writer, path: str, name: str | None) -> None:
        self._writer = writer
        self._path = path
        self._group: Any = None
        if name is not None:
            self._make().attrs["name"] = name

    def _make(self) -> Any:
        if self._group is None:
            self._group = self._writer.group(self._path)
        return self._group

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            del self[key]
        self._writer.array(self._make(), str(key), value)

    def __getitem__(self, key: str) -> np.ndarray:
        if self._group is None:
            raise KeyError(key)
        return np.asarray(self._group[key][()])

    def __delitem__(self, key: str) -> None:
        if self._group is None:
            raise KeyError(key)
        del self._group[key]

    def __contains__(self, key: object) -> bool:
        return self._group is not None and key in self._group

    def __iter__(self) -> Iterator[str]:
        return iter(() if self._group is None else self._group.keys())

    def __len__(self) -> int:
        return 0 if self._group is None else len(self._group)
