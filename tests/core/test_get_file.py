"""get_file: the cache, checksums, failures that leave nothing behind, and archives that want to get out."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cornu.utils import get_file

CONTENT = b"real words\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNU_HOME", str(tmp_path / "cornu"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def origin(tmp_path: Path) -> str:
    """The URL of a file of CONTENT; a file is a server that needs no network."""
    path = tmp_path / "served" / "words.txt"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path.as_uri()


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(origin: str, tmp_path: Path) -> None:
    path = get_file(origin=origin, file_hash=SHA256)
    assert path == str(tmp_path / "cornu" / "datasets" / "words.txt")
    assert Path(path).read_bytes() == CONTENT
    (tmp_path / "served" / "words.txt").unlink()
    assert get_file(origin=origin, file_hash=SHA256) == path
    with pytest.raises(OSError, match=r"Could not download .*words\.txt to "):
        get_file(origin=origin, force_download=True)
    assert Path(path).read_bytes() == CONTENT  # what was there stays


def test_names_and_folders(origin: str, tmp_path: Path) -> None:
    path = get_file("other.txt", origin, cache_dir=tmp_path / "mine", cache_subdir="sub")
    assert path == str(tmp_path / "mine" / "sub" / "other.txt")
    absolute = get_file("a.txt", origin, cache_subdir=str(tmp_path / "absolute"))
    assert absolute == str(tmp_path / "absolute" / "a.txt")


def test_keras_s_own_cache_is_read(origin: str, tmp_path: Path) -> None:
    known = tmp_path / "keras" / "datasets" / "words.txt"
    known.parent.mkdir(parents=True)
    known.write_bytes(CONTENT)
    assert get_file(origin=origin, file_hash=SHA256) == str(known)
    known.write_bytes(b"damaged")
    assert get_file(origin=origin, file_hash=SHA256) == str(tmp_path / "cornu" / "datasets" / "words.txt")
    assert known.read_bytes() == b"damaged"  # it is Keras's


@pytest.mark.parametrize(
    "hashes",
    [{"file_hash": SHA256.upper()}, {"file_hash": MD5}, {"md5_hash": MD5}, {"file_hash": MD5, "hash_algorithm": "md5"}],
)
def test_checksums(origin: str, hashes: dict[str, Any]) -> None:
    assert Path(get_file(origin=origin, **hashes)).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(origin: str, tmp_path: Path) -> None:
    for wrong in ("0" * 64, "0" * 32):
        with pytest.raises(ValueError, match=f"expected {wrong}: it is incomplete, or not the file"):
            get_file(origin=origin, file_hash=wrong)
    assert everything_in(tmp_path / "cornu") == []


def test_a_damaged_file_in_the_cache_is_fetched_again(
    origin: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(get_file(origin=origin))
    path.write_bytes(b"damaged")
    assert Path(get_file(origin=origin)).read_bytes() == b"damaged"  # nothing to tell by
    assert Path(get_file(origin=origin, file_hash=SHA256)).read_bytes() == CONTENT
    assert "does not have the checksum" in capsys.readouterr().out


def test_a_connection_that_ends_early(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Response(io.BytesIO):
        def __init__(self) -> None:
            super().__init__(b"half")
            self.headers = {"Content-Length": "100"}

    monkeypatch.setattr("urllib.request.urlopen", lambda origin, timeout: Response())
    with pytest.raises(OSError, match="the connection ended after 4 of 100 bytes"):
        get_file(origin="https://example.org/words.txt")
    assert everything_in(tmp_path / "cornu") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`origin`, the URL of the file, is missing"),
        ({"origin": "https://example.org/"}, "ends in no name; give one as `fname`"),
        ({"origin": "https://example.org/a", "fname": "../a"}, "`fname` must be a name without folders"),
        ({"origin": "https://example.org/a", "fname": ".."}, "`fname` must be a name without folders"),
        ({"origin": "https://example.org/a", "hash_algorithm": "crc"}, "hash_algorithm must be one of"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_file(**arguments)


def test_a_cache_that_cannot_be_written(origin: str, tmp_path: Path) -> None:
    (tmp_path / "cornu").write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"cannot be made: .*Set CORNU_HOME or `cache_dir`"):
        get_file(origin=origin)


# -- archives -------------------------------------------------------------------------------------------------------


def make_tar(path: Path, *members: tuple[str, bytes | tarfile.TarInfo]) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path.as_uri()


def make_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path.as_uri()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[str, tarfile.TarInfo]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return name, info


def test_archives_are_unpacked_where_keras_does(tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "pack.tar.gz", ("inner/a.txt", b"a"))
    folder = tmp_path / "cornu" / "datasets"
    for arguments, name, archive in (
        ({"fname": "set"}, "set", "set_archive"),
        ({"fname": "set.tar.gz"}, "set_extracted", "set.tar.gz"),
        ({}, "pack.tar.gz", "pack.tar.gz_archive"),
    ):
        path = get_file(origin=tar, extract=True, **arguments)
        assert path == str(folder / name)
        assert (Path(path) / "inner" / "a.txt").read_bytes() == b"a"
        assert (folder / archive).is_file()
    assert get_file("untarred", tar, untar=True) == str(folder / "untarred")
    zipped = make_zip(tmp_path / "pack.zip", ("b.txt", b"b"))
    assert (Path(get_file("zipped", zipped, extract=True)) / "b.txt").read_bytes() == b"b"


def test_an_unpacked_archive_is_not_unpacked_again(tmp_path: Path) -> None:
    origin = make_tar(tmp_path / "pack.tar.gz", ("a.txt", b"old"))
    path = Path(get_file("set", origin, extract=True))
    (path / "mine.txt").write_text("mine")
    assert get_file("set", origin, extract=True) == str(path)
    assert (path / "mine.txt").exists()
    make_tar(tmp_path / "pack.tar.gz", ("a.txt", b"new"))
    get_file("set", origin, extract=True, force_download=True)
    assert (path / "a.txt").read_bytes() == b"new"
    assert not (path / "mine.txt").exists()


def escapes(tmp_path: Path) -> list[str]:
    outside = str(tmp_path / "outside.txt")
    zip_link = zipfile.ZipInfo("link")
    zip_link.external_attr = 0o120777 << 16
    return [
        make_tar(tmp_path / "up.tar.gz", ("../outside.txt", b"x")),
        make_tar(tmp_path / "absolute.tar.gz", (outside, b"x")),
        make_tar(tmp_path / "symlink.tar.gz", link("link", "../../.."), ("link/outside.txt", b"x")),
        make_tar(tmp_path / "inner.tar.gz", link("link", "."), ("link/outside.txt", b"x")),
        make_tar(tmp_path / "hard.tar.gz", link("link", "../../../secret.txt", tarfile.LNKTYPE)),
        make_tar(tmp_path / "device.tar.gz", link("null", "", tarfile.CHRTYPE)),
        make_zip(tmp_path / "up.zip", ("../outside.txt", b"x")),
        make_zip(tmp_path / "windows.zip", ("C:\\outside.txt", b"x")),
        make_zip(tmp_path / "link.zip", (zip_link, b"../../..")),
    ]


@pytest.mark.parametrize("number", range(9))
def test_archives_that_want_to_get_out(number: int, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    origin = escapes(tmp_path)[number]
    with pytest.raises(ValueError, match="was not unpacked"):
        get_file("set", origin, extract=True)
    assert everything_in(tmp_path / "cornu") == ["datasets/set_archive"]  # nothing is half unpacked
    assert not (tmp_path / "outside.txt").exists()


def test_what_is_no_archive(origin: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it is no archive of the formats asked for \(tar or zip\)"):
        get_file("set", origin, extract=True)
    with pytest.raises(ValueError, match="archive_format must be"):
        get_file("set", origin, extract=True, archive_format="rar")
    zipped = make_zip(tmp_path / "pack.zip", ("b.txt", b"b"))
    with pytest.raises(ValueError, match=r"formats asked for \(tar\)"):
        get_file("other", zipped, extract=True, archive_format=["tar"])
