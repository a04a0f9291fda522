"""What spec/ says is true: every Python block runs, in order, and what is generated is fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cornu.backend import manager
from describe_primitives import PAGE, all_primitives, describe, shape_rule

SPEC = Path(__file__).parents[2] / "spec"
PAGES = sorted(SPEC.glob("*.md"))


def blocks(page: Path) -> list[str]:
    """The page's Python blocks, each at its own line number, so that a traceback points into the page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, match.start(1)) + match[1] for match in found]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(manager.backend_names())
    namespace: dict[str, object] = {"__name__": f"spec_{page.stem}"}
    try:
        for block in blocks(page):
            exec(compile(block, str(page), "exec"), namespace)
    finally:
        for name in set(manager.backend_names()) - before:
            manager.unregister_backend(name)


def test_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_page_of_primitives_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == describe(), "run python tests/support/describe_primitives.py"


def test_every_shape_rule_says_what_it_gives() -> None:
    assert [name for name, primitive in all_primitives().items() if not shape_rule(primitive)] == []
