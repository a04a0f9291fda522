"""Writes the table of spec/onnx.md by exporting every layer: `python tests/support/describe_export.py`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from export_matrix import DRAWS, VARIANTS, Cell, run_cell

PAGE = Path(__file__).parents[2] / "spec" / "onnx.md"
BEGIN = "<!-- what follows is written by `python tests/support/describe_export.py` -->\n"


def row(name: str, cells: Mapping[str, Cell]) -> str:
    """A layer's row of the table."""
    return f"| {name} | {' | '.join(str(cells[variant]) for variant in VARIANTS)} |"


def rows(page: str) -> dict[str, str]:
    """The rows of the page's table, by the layer's name."""
    lines = page.partition(BEGIN)[2].splitlines()
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}


def main() -> None:
    """Runs all cells and writes the page."""
    head = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    lines = [f"| layer | {' | '.join(VARIANTS)} |", "|---" * (len(VARIANTS) + 1) + "|"]
    with tempfile.TemporaryDirectory() as folder:
        lines += [row(name, {v: run_cell(name, v, Path(folder)) for v in VARIANTS}) for name in sorted(DRAWS)]
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
