"""Every layer, exported: fixed and open sizes, two dtypes, three opsets, two runtimes."""

from __future__ import annotations

from pathlib import Path

import describe_export
import numpy as np
import pytest
from export_matrix import DRAWS, EVALUATOR_LACKS, VARIANTS, run_cell
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

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


def test_what_the_evaluator_lacks_it_still_lacks() -> None:
    """A running sum from the last element to the first, as ONNX has it: one Scan."""
    scalars = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in ("s", "x", "t", "u")}
    steps = [helper.make_node("Add", ["s", "x"], ["t"]), helper.make_node("Identity", ["t"], ["u"])]
    body = helper.make_graph(steps, "body", [scalars["s"], scalars["x"]], [scalars["t"], scalars["u"]])
    backward = {"num_scan_inputs": 1, "scan_input_directions": [1], "scan_output_directions": [1]}
    scan = helper.make_node("Scan", ["start", "xs"], ["end", "sums"], body=body, **backward)
    start, end = (helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in ("start", "end"))
    xs, sums = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("xs", "sums"))
    model = helper.make_model(helper.make_graph([scan], "sum", [start, xs], [end, sums]))
    (error,) = EVALUATOR_LACKS
    with pytest.raises(RuntimeError, match=error):
        ReferenceEvaluator(model).run(None, {"start": np.float32(0), "xs": np.arange(3, dtype=np.float32)})
