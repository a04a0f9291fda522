"""Keeping bytes on disk between processes: what takes long to make and may be lost at any time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

LIMIT = 1 << 27
"""Bytes that one folder holds; what was used longest ago goes first."""

_DIGEST = 16
_SUFFIX = ".bin"
_ABANDONED = 3600.0
"""Seconds after which an unfinished file belongs to nobody."""


class DiskCache:
    """A folder of files by key. Processes may share it: a file is there as a whole or not at all.

    What is damaged counts as missing. What cannot be written is not kept: a full disk or a foreign folder is no error.

    Args:
        folder: The folder; it is made when something is put there.
        limit: Bytes that it may hold.

    Example:
        >>> cache = DiskCache(folder)
        >>> cache.put("a1b2", b"bytes")
        >>> cache.get("a1b2")
        b'bytes'
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def get(self, key: str) -> bytes | None:
        """What was put there under the key; None if there is nothing, or nothing whole."""
        path = self._folder / f"{key}{_SUFFIX}"
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        digest, payload = stored[:_DIGEST], stored[_DIGEST:]
        if digest != _digest(payload):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it was used now
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Keeps the payload, and drops old ones if there are too many bytes."""
        if len(payload) > self._limit // 4:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder)
            unfinished = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_digest(payload) + payload)
                unfinished.replace(self._folder / f"{key}{_SUFFIX}")
            except BaseException:
                unfinished.unlink()
                raise
            self._drop_old()

    def _drop_old(self) -> None:
        told = [(path, path.stat()) for path in self._folder.iterdir()]
        for path, status in told:
            if path.suffix != _SUFFIX and status.st_mtime < time.time() - _ABANDONED:
                path.unlink(missing_ok=True)
        whole = [(status.st_mtime_ns, status.st_size, path) for path, status in told if path.suffix == _SUFFIX]
        held = sum(size for _, size, _ in whole)
        for _, size, path in sorted(whole):
            if held <= self._limit:
                break
            path.unlink(missing_ok=True)
            held -= size


def _digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST).digest()
