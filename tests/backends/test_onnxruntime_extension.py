"""Libraries of custom operators: found by entry point, tried, left out where they are broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cornu_onnxruntime import OnnxRuntimeBackend, extension


class Distribution:
    """What an entry point says it comes from."""

    name = "cornu-toy-kernels"


class EntryPoint:
    """An entry point that gives a class, or an error."""

    name = "toy"
    dist = Distribution()

    def __init__(self, found: Any) -> None:
        self._found = found

    def load(self) -> Any:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    extension.installed.cache_clear()
    yield
    extension.installed.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, *found: Any) -> None:
    monkeypatch.setattr(extension, "entry_points", lambda group: [EntryPoint(each) for each in found])


def test_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert extension.installed() is None
    with pytest.raises(ValueError, match=r"kernels=True needs custom operators; install cornu-kernels"):
        OnnxRuntimeBackend(kernels=True)
    OnnxRuntimeBackend(kernels=False)


def test_a_broken_one_is_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ImportError("built for another Python"))
    with pytest.warns(
        UserWarning, match=r"'toy' of cornu-toy-kernels are left out: ImportError: built for another Python"
    ):
        assert extension.installed() is None


def test_a_library_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is no library is found out before a model needs it, and the next one is taken."""
    (tmp_path / "library.so").write_bytes(b"nothing")

    class Broken:
        library = tmp_path / "library.so"

    install(monkeypatch, Broken)
    with pytest.warns(UserWarning, match=r"'toy' of cornu-toy-kernels are left out"):
        assert extension.installed() is None
