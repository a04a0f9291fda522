"""Unpacking archives of unknown origin: whole or not at all, and nowhere but in their folder."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

FORMATS = ("tar", "zip")


def extract_archive(
    path: str | os.PathLike[str], target: str | os.PathLike[str], archive_format: str | Sequence[str] | None = "auto"
) -> None:
    """Unpacks a tar (compressed or not) or zip archive into a folder, which is replaced if it exists.

    Args:
        path: The archive.
        target: The folder.
        archive_format: "tar", "zip", "auto" for either, a list of these, or None for none.

    Raises:
        ValueError: If the file is no archive of these formats, or a member would land outside the folder, is a device,
            or links to the outside.
    """
    path, target = Path(path), Path(target)
    formats = _formats(archive_format)
    # In the same folder, so that the move is one step.
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        if "tar" in formats and tarfile.is_tarfile(path):
            _extract_tar(path, scratch)
        elif "zip" in formats and zipfile.is_zipfile(path):
            _extract_zip(path, scratch)
        else:
            told = " or ".join(formats) or "no format at all"
            raise ValueError(f"{path} cannot be unpacked: it is no archive of the formats asked for ({told}).")
        scratch.chmod(0o755)
        if target.is_dir():
            shutil.rmtree(target)
        scratch.replace(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _formats(archive_format: str | Sequence[str] | None) -> tuple[str, ...]:
    if archive_format == "auto":
        return FORMATS
    asked = () if archive_format is None else archive_format
    formats = (asked,) if isinstance(asked, str) else tuple(asked)
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise ValueError(f"archive_format must be 'auto', None or among {', '.join(FORMATS)}, not {archive_format!r}.")
    return formats


def _extract_tar(path: Path, target: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise ValueError(f"{path} is not unpacked: this Python's tarfile cannot do it safely; use 3.11.4 or newer.")
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                _check_name(path, member.name)
                _check_parents(path, target, member.name)
                archive.extract(member, target, filter="data")
    except tarfile.TarError as error:
        raise ValueError(f"{path} was not unpacked: {error}") from error


def _extract_zip(path: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check_name(path, member.filename)
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise ValueError(f"{path} was not unpacked: its member {member.filename!r} is a link.")
                archive.extract(member, target)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} was not unpacked: {error}") from error


def _check_name(path: Path, name: str) -> None:
    for flavour in (PurePosixPath(name), PureWindowsPath(name)):
        if flavour.is_absolute() or ".." in flavour.parts or flavour.drive:
            raise ValueError(f"{path} was not unpacked: its member {name!r} would land outside the folder.")


def _check_parents(path: Path, target: Path, name: str) -> None:
    """No member is written through a link, wherever that leads."""
    for parent in PurePosixPath(name).parents:
        if (target / parent).is_symlink():
            raise ValueError(f"{path} was not unpacked: its member {name!r} lies behind the link {str(parent)!r}.")
