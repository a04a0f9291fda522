"""What README and CONTRIBUTING say of the repository holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cornu.backend.contract import CONTRACT_VERSION

ROOT = Path(__file__).parents[1]
LIMIT = 600
FOLDERS = ("core", "backends", "plugins", "tests", "spec", "examples", "benchmarks", ".ci")
WRITTEN = {".py", ".md", ".toml", ".ini", ".cfg", ".yml", ".yaml", ".sh", ".txt", ".c", ".h", ""}
DATA = {".json", ".ipynb", ".csv"}
MADE = re.compile(r"__pycache__|node_modules|build|.*\.egg-info|\.(?!ci$).*")  # folders that tools make
LISTS = {"spec/keras_api.txt"}

# Homes, scratch folders and workplaces of the machines that the files were written on, and hosts of package mirrors.
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|Users|root|work|workspace|mnt)/\w|[A-Z]:\\Users\\|(?<![\w.])/tmp/\w|--(?:extra-)?index-url|PIP_INDEX_URL"
)


def files(suffixes: set[str]) -> Iterator[Path]:
    """The repository's own files of these kinds."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in [*inside, *ROOT.glob("*")]:
        made = any(MADE.fullmatch(part) for part in path.relative_to(ROOT).parts[:-1])
        if path.is_file() and path.suffix in suffixes and not made:
            yield path


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # a binary file


def test_no_file_is_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(text_of(path).splitlines()) for path in files(WRITTEN)}
    assert len(lengths) > 300
    assert {name: length for name, length in lengths.items() if length > LIMIT and name not in LISTS} == {}


def test_no_path_of_a_machine_is_committed() -> None:
    found = {}
    for path in files(WRITTEN | DATA):
        lines = [line.strip()[:100] for line in text_of(path).splitlines() if MACHINE.search(line)]
        if lines and path != Path(__file__):
            found[str(path.relative_to(ROOT))] = lines
    assert found == {}


@pytest.mark.parametrize("line", ["cd /home/someone/x", "'/tmp/out'", "C:\\Users\\me", "pip install --index-url x"])
def test_the_search_for_paths_finds_them(line: str) -> None:
    assert MACHINE.search(line)
    assert not MACHINE.search("see docs/home/page, and a/tmp/b, and https://example.org/home/x")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_commands_exist(page: str) -> None:
    text = text_of(ROOT / page)
    asked = set(re.findall(r"\bmake ([a-z]+)\b(?! it| a| the)", text))
    assert asked
    assert asked <= targets()


def test_ci_lints_and_tests() -> None:
    script = text_of(ROOT / ".ci" / "run")
    assert re.search(r"^for target in lint test; do\n  make \"\$target\"", script, re.MULTILINE)
    assert {"lint", "test"} <= targets()


def test_contributing_tells_the_truth() -> None:
    text = text_of(ROOT / "CONTRIBUTING.md")
    assert f'now `"{CONTRACT_VERSION}"`' in text
    assert "never over 600" in text
    for folder in re.findall(r"^    ([a-z/]+)/  ", text, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
