"""Writing a file so that a crash at any moment leaves the old one whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file for writing and reading back, which takes its place at `path` only if the block succeeds.

    It is written beside the target, flushed to the disk and renamed over it. If anything raises, it is removed and
    the target is as it was.

    Args:
        path: The target. A symbolic link is followed, and permissions of an old file are kept.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "numbers"
        >>> with atomic_file(target) as file:
        ...     _ = file.write(b"12")
        >>> target.read_bytes()
        b'12'
    """
    target = Path(path).resolve()
    temporary = _beside(target)
    file = open_new(temporary)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def open_new(path: Path) -> IO[bytes]:
    """Opens a file that must not exist yet."""
    return path.open("x+b")


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder that takes its place at `path` only if the block succeeds; an old folder there is replaced.

    Args:
        path: The target folder.

    Raises:
        NotADirectoryError: If a file is there.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"{target} exists and is not a folder.")
    temporary = _beside(target)
    temporary.mkdir(parents=False)
    old = _beside(target)
    try:
        yield temporary
        if target.exists():
            target.replace(old)
        try:
            temporary.replace(target)
        except BaseException:
            if old.exists():
                old.replace(target)
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
