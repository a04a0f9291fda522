"""`cornu new`: starters that install, pass their own tests and can be published as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cornu.cli import main
from cornu.cli.new import NewError, write_starter


def python(*arguments: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with the folder `site` on its path."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])}
    return subprocess.run([sys.executable, *arguments], env=env, cwd=cwd, capture_output=True, text=True, check=False)


def installed(folder: Path, site: Path) -> None:
    """Installs a distribution as pip does, with no index, so that nothing is downloaded."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    done = python("-m", "pip", "install", *options, "--target", str(site), str(folder), site=site, cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        # A part of the suite here: all of it runs on the backends of this repository, and these kernels are the core's.
        ("backend", ("-k", "(contract and not concurrency) or Conv/ or Scan/ or known")),
        ("layers", ()),
    ],
)
def test_its_own_tests_pass(kind: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["new", kind, "my-demo", "--into", str(tmp_path)]) == 0
    folder = tmp_path / "cornu-my-demo"
    assert f"cd {folder}" in capsys.readouterr().out
    site = tmp_path / "site"
    site.mkdir()
    installed(folder, site)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words, site=site, cwd=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def test_a_starter_has_the_style_of_this_repository(tmp_path: Path) -> None:
    for kind in ("backend", "layers"):
        folder = write_starter(kind, f"my-{kind}", tmp_path)
        text = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
        assert "{{" not in text
        assert "PACKAGE" not in text
    config = Path(__file__).parents[2] / "pyproject.toml"
    options = [
        "--config",
        str(config),
        "--config",
        "lint.isort.known-first-party=['cornu_my_backend','cornu_my_layers']",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["", "My", "1st", "a_b", "a--b", "-a", "a/b", "../a"])
def test_names_that_will_not_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(NewError, match="is no name for a distribution"):
        write_starter("layers", name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "cornu-demo").mkdir()
    (tmp_path / "cornu-demo" / "mine").write_text("kept")
    assert main(["new", "backend", "demo", "--into", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["cornu-demo", "mine"]
