"""spec/write-a-backend.md, followed step by step by somebody with an environment of his own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "spec" / "write-a-backend.md"
LINES = 120


def steps() -> list[tuple[str, str]]:
    """The page's blocks in order: what is typed at a console, and the file that is written."""
    found = re.finditer(r"^```(console|python)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [(match[1], match[2]) for match in found]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A virtual environment that sees the packages of this one; pip has no index there."""
    root = tmp_path / "venv"
    venv.create(root, with_pip=True)
    python = root / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(root), "platbase": str(root)}))
    paths = [path for path in sys.path if path and Path(path).is_dir()]
    (site / "parent.pth").write_text("\n".join([sysconfig.get_path("purelib"), *paths]) + "\n")
    for command, module in (("cornu", "cornu.cli"), ("pytest", "pytest")):
        script = root / "bin" / command
        script.write_text(f'#!/bin/sh\nexec "{python}" -m {module} "$@"\n')
        script.chmod(0o755)
    path = f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": ""}


@pytest.mark.slow  # the suite runs twice in an evaluator written in Python
@pytest.mark.skipif(shutil.which("sh") is None, reason="the page's commands are those of a Unix shell")
def test_the_page_leads_to_a_passing_report(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path
    printed = ""
    for kind, text in steps():
        if kind == "python":
            (folder / "src" / "cornu_toy" / "backend.py").write_text(text, encoding="utf-8")
            assert len(text.splitlines()) < LINES
            continue
        for command in (line.removeprefix("$ ") for line in text.splitlines()):
            if command.startswith("cd "):
                folder = folder / command.removeprefix("cd ")
                continue
            done = subprocess.run(
                ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            printed = done.stdout
            assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
            if command == "cornu backends":
                assert "toy" in printed
    assert " passed" in printed
