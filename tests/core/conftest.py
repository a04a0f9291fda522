"""Fake distributions on the path, and a configuration of its own for a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cornu.backend import config, manager
from cornu.backend.contract import CONTRACT_VERSION

GROUP = "cornu.testing"

BACKEND_SOURCE = """
class Toy:
    contract = {contract!r}
    priority = {priority}

    def __init__(self, **options):
        self.options = options

    def supports(self, op, dtypes, attributes, device):
        return True

    def from_numpy(self, array, device):
        return array

    def to_numpy(self, buffer):
        return buffer

    def compile(self, program, options):
        raise NotImplementedError
"""

Install = Callable[..., Path]


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> manager.BackendManager:
    """A manager that finds only what the test installs, in an empty directory, with no configuration from outside."""
    for name in ("CORNU_BACKEND", "KERAS_BACKEND", "CORNU_PASSES", "CORNU_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CORNU_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(manager, "_manager", manager.BackendManager(GROUP))
    monkeypatch.setattr(config, "_process", config._Process())
    return manager._manager


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Install]:
    """Installs a real distribution, with metadata and a module, that declares one backend."""
    before = set(sys.modules)

    def make(
        name: str,
        *,
        distribution: str = "",
        version: str = "1.0",
        contract: str = CONTRACT_VERSION,
        priority: int = 0,
        source: str = "",
        extra: str = "",
        group: str = GROUP,
        entry_points: str = "",
    ) -> Path:
        distribution = distribution or f"cornu-{name}"
        root = tmp_path / "site" / distribution
        module = f"{distribution.replace('-', '_')}_module"
        info = root / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        written = source or BACKEND_SOURCE.format(contract=contract, priority=priority) + extra
        (root / f"{module}.py").write_text(written)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points or f"[{group}]\n{name} = {module}:Toy\n")
        monkeypatch.syspath_prepend(str(root))
        return root

    yield make
    for module in set(sys.modules) - before:
        if module.endswith("_module"):
            del sys.modules[module]
