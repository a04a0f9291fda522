"""Every Python block of the README runs, in order, as a reader would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_python_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = blocks()
    assert len(found) >= 3
    namespace: dict[str, object] = {"__name__": "readme"}
    for number, block in enumerate(found, 1):
        exec(compile(block, f"README.md, Python block {number}", "exec"), namespace)
    assert {"digits.keras", "digits.onnx"} <= {path.name for path in tmp_path.iterdir()}


def test_relative_links_lead_somewhere() -> None:
    for text in (README, README.parent / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text.read_text(encoding="utf-8")):
            assert (README.parent / target).exists(), f"{text.name} links to {target}"
