"""Every layer, exported: fixed and open sizes, two dtypes, three opsets, two runtimes."""

from __future__ import annotations

from pathlib import Path

import describe_export
import pytest
from export_matrix import DRAWS, VARIANTS, run_cell

ROWS = describe_export.rows(describe_export.PAGE.read_text(encoding="utf-8"))


def test_the_page_has_every_layer() -> None:
    assert set(ROWS) - {"layer"} == set(DRAWS)


@pytest.mark.parametrize("name", DRAWS)
def test_the_file_gives_what_predict_gives(name: str, tmp_path: Path) -> None:
    cells = {variant: run_cell(name, variant, tmp_path) for variant in VARIANTS}
    assert {variant: cell.wrong for variant, cell in cells.items() if cell.wrong} == {}
    assert not cells["fixed"].refused
    assert not cells["batch"].refused
    assert ROWS[name] == describe_export.row(name, cells), "run python tests/support/describe_export.py"
