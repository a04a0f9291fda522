"""Files from the network: fetched once, verified, kept in a cache, and unpacked safely."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cornu.utils.archives import extract_archive
from cornu.utils.io_utils import print_msg

_CHUNK = 1 << 16
_TIMEOUT = 60.0  # seconds without an answer
_HASHES = ("auto", "sha256", "md5")


def cornu_home() -> Path:
    """Cornu's own folder: `$CORNU_HOME`, else `~/.cornu`; nothing is made."""
    home = os.environ.get("CORNU_HOME")
    return Path(home).expanduser() if home else Path.home() / ".cornu"


def keras_home() -> Path:
    """Keras's own folder, whose files are read and never written: `$KERAS_HOME`, else `~/.keras`."""
    home = os.environ.get("KERAS_HOME")
    return Path(home).expanduser() if home else Path.home() / ".keras"


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Returns the path of a file, which is downloaded only if it is not in the cache.

    It is looked for in `cache_dir/cache_subdir`, and where no `cache_dir` is given in Keras's own cache too. A download
    is written beside its place and moved there when it is complete and its checksum fits, so that a failure leaves what
    was there. Archives are unpacked in the same way; members that would land outside are refused.

    Args:
        fname: The file's name in the cache; the last part of `origin` if missing. For an archive without an extension
            in its name, the folder to unpack to.
        origin: The URL.
        untar: Deprecated: whether to unpack a tar archive.
        md5_hash: Deprecated: the MD5 checksum, in hexadecimal.
        file_hash: The checksum, in hexadecimal.
        cache_subdir: A folder below `cache_dir`, or an absolute one.
        hash_algorithm: "sha256", "md5", or "auto": by the checksum's length.
        extract: Whether to unpack an archive.
        archive_format: "tar", "zip", "auto" for either, a list of these, or None for none.
        cache_dir: The cache; `$CORNU_HOME` or `~/.cornu` if missing.
        force_download: Whether to download even if the file is in the cache.

    Returns:
        The file's path, or with `extract` or `untar` that of the folder it was unpacked to.

    Raises:
        ValueError: If no origin or an unknown algorithm is given, `fname` is a path, the download does not fit the
            checksum, or it is not an archive that can be unpacked safely.
        OSError: If the origin cannot be read or the cache not written; the message names both.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "words.txt").write_text("a few words")
        >>> path = get_file(origin=(folder / "words.txt").as_uri(), cache_dir=folder)  # doctest: +ELLIPSIS
        Downloading data from file:...
        >>> pathlib.Path(path).read_text()
        'a few words'
    """
    if not origin:
        raise ValueError("get_file: `origin`, the URL of the file, is missing.")
    if hash_algorithm not in _HASHES:
        raise ValueError(f"get_file: hash_algorithm must be one of {', '.join(_HASHES)}, not {hash_algorithm!r}.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    unpack = extract or untar
    name, folder = _names(fname, origin, unpack)
    places = _places(cache_dir, cache_subdir)
    if unpack and not force_download and (places[0] / folder).is_dir():
        return str(places[0] / folder)
    path = None if force_download else _cached(places, name, file_hash, hash_algorithm)
    if path is None and unpack and not force_download and (places[-1] / folder).is_dir():
        return str(places[-1] / folder)  # after the archive: Keras may have been stopped while it unpacked
    if path is None:
        path = _writable(places[0]) / name
        download(origin, path, file_hash, hash_algorithm)
    if not unpack:
        return str(path)
    target = _writable(places[0]) / folder
    extract_archive(path, target, "tar" if untar else archive_format)
    return str(target)


def _names(fname: Any, origin: str, unpack: bool) -> tuple[str, str]:
    """The names of the file and of the folder that it is unpacked to, by Keras's rules."""
    given = os.fspath(fname) if fname else ""
    name = given or Path(urllib.parse.unquote(urllib.parse.urlsplit(origin).path)).name
    if not name:
        raise ValueError(f"get_file: the URL {origin!r} ends in no name; give one as `fname`.")
    if name != Path(name).name or name in (".", ".."):
        raise ValueError(f"get_file: `fname` must be a name without folders, not {name!r}; give those as `cache_dir`.")
    if not unpack:
        return name, ""
    if given and "." in name:
        return name, f"{name.partition('.')[0]}_extracted"
    return f"{name}_archive", name


def _places(cache_dir: Any, cache_subdir: str) -> list[Path]:
    """The folders to look in; the first is the one to write to."""
    if cache_dir is not None:
        return [Path(cache_dir).expanduser() / cache_subdir]
    return list(dict.fromkeys([cornu_home() / cache_subdir, keras_home() / cache_subdir]))


def _writable(place: Path) -> Path:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"The cache {place} cannot be made: {error}. Set CORNU_HOME or `cache_dir` to a folder that can be written."
        ) from error
    return place


def _cached(places: Sequence[Path], name: str, file_hash: str | None, algorithm: str) -> Path | None:
    for place in places:
        path = place / name
        if not path.is_file():
            continue
        if file_hash is None or checksum(path, algorithm, file_hash) == file_hash.lower():
            return path
        print_msg(f"{path} does not have the checksum {file_hash}: it is incomplete or outdated.")
    return None


def checksum(path: str | os.PathLike[str], algorithm: str = "auto", expected: str = "") -> str:
    """A file's checksum in hexadecimal.

    Args:
        path: The file.
        algorithm: "sha256", "md5", or "auto": by the length of the expected one.
        expected: The expected checksum.
    """
    short = algorithm == "md5" or (algorithm == "auto" and len(expected) == 32)
    # MD5 tells damage, not malice: some publishers give nothing else.
    digest = hashlib.md5(usedforsecurity=False) if short else hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def download(origin: str, path: Path, file_hash: str | None = None, algorithm: str = "auto") -> None:
    """Fetches a URL to a path: all of it and with the right checksum, or not at all.

    Args:
        origin: The URL.
        path: Where it goes.
        file_hash: The checksum in hexadecimal.
        algorithm: "sha256", "md5", or "auto": by the checksum's length.

    Raises:
        OSError: If it cannot be fetched.
        ValueError: If the checksum is another.
    """
    print_msg(f"Downloading data from {origin}")
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _fetch(origin, file, path)
        found = checksum(part, algorithm, file_hash or "")
        if file_hash is not None and found != file_hash.lower():
            raise ValueError(
                f"The download of {origin} has the checksum {found}, expected {file_hash}: it is incomplete, or not "
                "the file that it should be. Nothing was kept."
            )
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _fetch(origin: str, file: Any, path: Path) -> None:
    from cornu.utils.progbar import Progbar

    try:
        with urllib.request.urlopen(origin, timeout=_TIMEOUT) as response:
            size = response.headers.get("Content-Length")
            bar = Progbar(int(size) if size else None, unit_name="byte", verbose=1)
            done = 0
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                bar.update(done)
            if size and done != int(size):
                raise OSError(f"the connection ended after {done} of {size} bytes")
    except (OSError, http.client.HTTPException) as error:  # urllib's own errors are OSErrors
        reason = getattr(error, "reason", None) or error
        raise OSError(f"Could not download {origin} to {path}: {reason}") from error
