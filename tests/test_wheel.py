"""The wheel: what a user installs, outside the clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("core/cornu", "backends/cornu_numpy", "backends/cornu_onnxruntime", "tests/conformance/cornu_conformance")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with no index, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("cornu-*.whl")
    return built


def test_it_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = [(ROOT / package, path) for package in PACKAGES for path in (ROOT / package).rglob("*")]
    wanted = {
        path.relative_to(package.parent).as_posix()
        for package, path in sources
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == wanted
    assert {f"{Path(package).name}/py.typed" for package in PACKAGES} <= names


def test_it_checks_backends_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    site, report = tmp_path / "site", tmp_path / "report.json"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Levels that read each of the suite's data files; the whole of it runs in tests/conformance.
    words = "contract/methods or training/perceptron or ops/Softplus or (ops/onnx and test_relu)"
    command = [sys.executable, "-m", "cornu.cli", "conformance", "numpy", "-k", words, "--json", str(report)]
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    levels = json.loads(report.read_text())["levels"]
    assert set(levels) >= {"contract", "ops", "training"}
    code = "import cornu, cornu_numpy, cornu_conformance as c; print(*(m.__file__ for m in (cornu, cornu_numpy, c)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert all(Path(path).is_relative_to(site) for path in done.stdout.split())
