"""Bytes on disk between processes: whole or missing, and never too many."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cornu.backend import config
from cornu.backend.disk_cache import DiskCache
from cornu.backend.manager import BackendManager


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_put_is_found_by_others(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert DiskCache(folder).get("a") is None
    assert not folder.exists()
    DiskCache(folder).put("a", b"first")
    DiskCache(folder).put("a", b"second")
    DiskCache(folder).put("b", b"")
    assert DiskCache(folder).get("a") == b"second"
    assert DiskCache(folder).get("b") == b""
    assert names(folder) == ["a.bin", "b.bin"]
    assert folder.stat().st_mode & 0o077 == 0  # nobody else can put models there


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: b"",
        lambda stored: stored[:10],
        lambda stored: stored[:-1],
        lambda stored: stored + b"x",
        lambda stored: stored[:20] + bytes([stored[20] ^ 1]) + stored[21:],
        lambda stored: b"\0" * len(stored),
    ],
)
def test_what_is_damaged_is_missing_and_written_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    cache = DiskCache(tmp_path)
    cache.put("a", b"0123456789" * 3)
    path = tmp_path / "a.bin"
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get("a") is None
    cache.put("a", b"0123456789" * 3)
    assert cache.get("a") == b"0123456789" * 3


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, limit=300)
    for age, key in ((40, "a"), (30, "b"), (20, "c")):
        cache.put(key, b"x" * 64)  # 80 bytes with the digest
        os.utime(tmp_path / f"{key}.bin", (time.time() - age,) * 2)
    assert cache.get("a") is not None  # used now
    cache.put("d", b"x" * 64)
    assert names(tmp_path) == ["a.bin", "c.bin", "d.bin"]


def test_what_is_very_large_is_not_kept(tmp_path: Path) -> None:
    DiskCache(tmp_path, limit=300).put("a", b"x" * 100)
    assert names(tmp_path) == []


def test_what_an_ended_process_left_unfinished_goes(tmp_path: Path) -> None:
    for name, age in (("old", 7200), ("new", 10)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    DiskCache(tmp_path).put("a", b"x")
    assert names(tmp_path) == ["a.bin", "new"]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = DiskCache(tmp_path / "file")
    cache.put("a", b"x")
    assert cache.get("a") is None


def test_a_failing_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    DiskCache(tmp_path).put("a", b"x")
    assert names(tmp_path) == []


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    payloads = [bytes([i]) * 50_000 for i in range(4)]
    DiskCache(tmp_path).put("a", payloads[0])

    def write_and_read(payload: bytes) -> list[bytes | None]:
        cache, found = DiskCache(tmp_path), []
        for _ in range(20):
            cache.put("a", payload)
            found.append(cache.get("a"))
        return found

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(write_and_read, payloads):
            assert set(found) <= set(payloads)


def test_where_it_is(backends: BackendManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert config.cache_directory() == tmp_path / "home" / "cache"
    Path("pyproject.toml").write_text('[tool.cornu]\ncache = "off"\n')
    config.reset()
    assert config.cache_directory() is None
    monkeypatch.setenv("CORNU_CACHE", "on")
    config.reset()
    assert config.cache_directory() == tmp_path / "home" / "cache"
    monkeypatch.setenv("CORNU_CACHE", "1")
    config.reset()
    with pytest.raises(ValueError, match="CORNU_CACHE: cache must be one of on, off, not '1'"):
        config.cache_directory()
