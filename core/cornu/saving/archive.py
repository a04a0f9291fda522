"""The one reader and the one writer of zip archives."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from cornu.saving.hdf5 import MEMORY_LIMIT

BOMB_FLOOR = 64 << 20
BOMB_RATIO = 100
CONFIG_LIMIT = 256 << 20


class ArchiveReader:
    """Reads members of a zip archive after checking all of them.

    Args:
        source: A path, or a binary file that can seek.

    Raises:
        ValueError: If it is no zip archive, or holds what no writer of models makes: names that lead out of the
            archive, links, encrypted or duplicate members, or members that expand to far more than is stored.
    """

    def __init__(self, source: str | Path | IO[bytes]) -> None:
        self.name = str(getattr(source, "name", source))
        try:
            self._zip = zipfile.ZipFile(source)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.name} is not a .keras file: {error}.") from error
        try:
            self._members = self._checked()
        except BaseException:
            self._zip.close()
            raise

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            problem = "occurs twice" if info.filename in members else _problem(info)
            if problem:
                raise ValueError(f"{self.name}: refused, its member {info.filename!r} {problem}.")
            members[info.filename] = info
        return members

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """All member names."""
        return list(self._members)

    def json(self, name: str) -> Any:
        """A member read as JSON.

        Raises:
            ValueError: If it is missing, too large or no JSON.
        """
        if name not in self._members:
            raise ValueError(f"{self.name} has no member {name!r}; it has {', '.join(self._members) or 'none'}.")
        if self._members[name].file_size > CONFIG_LIMIT:
            raise ValueError(f"{self.name}: {name} is larger than {CONFIG_LIMIT} bytes.")
        return parse_json(self._read(name), f"{self.name}/{name}")

    def _read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except (zipfile.BadZipFile, EOFError) as error:
            raise ValueError(f"{self.name}: member {name!r} is damaged: {error}.") from error

    def open(self, name: str) -> IO[bytes]:
        """A seekable copy of a member, in memory or, if large, in a temporary file."""
        copy = tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115
        try:
            with self._zip.open(name) as member:
                shutil.copyfileobj(member, copy, 1 << 20)
        except (zipfile.BadZipFile, EOFError) as error:
            copy.close()
            raise ValueError(f"{self.name}: member {name!r} is damaged: {error}.") from error
        copy.seek(0)
        return copy

    def extract(self, prefix: str, folder: Path) -> None:
        """Writes all members under `prefix/` to `folder`, by their names after it."""
        for name in self._members:
            if name.startswith(prefix + "/") and not name.endswith("/"):
                target = folder / name[len(prefix) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                with self._zip.open(name) as member, target.open("wb") as file:
                    shutil.copyfileobj(member, file)

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: TracebackType | None) -> None:
        self._zip.close()


def _problem(info: zipfile.ZipInfo) -> str | None:
    name = info.filename
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0] or "\0" in name:
        return "leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"has the unknown compression {info.compress_type}"
    if info.file_size > max(BOMB_FLOOR, BOMB_RATIO * info.compress_size):
        return f"claims {info.file_size} bytes, of which {info.compress_size} are stored"
    return None


def parse_json(text: bytes | str, name: str) -> Any:
    """JSON, with an error that says where it is.

    Raises:
        ValueError: If it is damaged or nested too deeply.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not readable as JSON: {error}.") from error


class ArchiveWriter:
    """Writes a zip archive without compression, as Keras does.

    Args:
        file: A binary file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def json(self, name: str, value: Any) -> None:
        """Adds a member that holds JSON."""
        self._zip.writestr(zipfile.ZipInfo(name), json.dumps(value))

    def member(self, name: str) -> IO[bytes]:
        """A new member to be written, one at a time."""
        return self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True)

    def folder(self, name: str, folder: Path) -> None:
        """Adds all files below `folder` under `name/`."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as file, self.member(f"{name}/{path.relative_to(folder).as_posix()}") as member:
                    shutil.copyfileobj(file, member, 1 << 20)

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: TracebackType | None) -> None:
        if kind is None:
            self._zip.close()
        else:
            # A closed archive looks complete; of a failed one nothing should be left that does.
            self._zip.fp = None
