"""Every conformance case of every primitive, written to ONNX and read back."""

from __future__ import annotations

import warnings

import cornu.primitives  # noqa: F401  (registers them)
import numpy as np
import onnx
import pytest
from cornu.ir.dim import DimLike
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import from_onnx, to_onnx, write_model
from cornu.ir.program import Program
from cornu.ir.verify import verify
from cornu_conformance.case import Case, close, load_cases
from onnx.reference import ReferenceEvaluator

CASES = load_cases()

EVALUATOR_DIFFERS = {
    # Float to integer outside its range is undefined in ONNX.
    ("Cast", "to_int8"),
    ("Cast", "to_uint8"),
    ("Cast", "to_int32"),
    ("Cast", "to_uint32"),
    ("Cast", "to_int64"),
    # What onnx's ReferenceEvaluator cannot run, or ignores.
    ("ConvTranspose", "groups"),
    ("ConvTranspose", "empty"),
    ("CumProd", "empty"),
    ("MaxPool", "nan"),
    ("Pow", "integers"),
    ("ReduceMean", "16_bits_do_not_saturate"),
    ("Scan", "backwards"),
    ("Scan", "no_step"),
}

INFERENCE_KNOWS_LESS = {"Barrier", "GatherND", "Slice", "Split", "TopK", "While"}
"""Where onnx's shape inference leaves open a size that our rules know."""


def _programs(op: str) -> list[tuple[Case, Program, list[np.ndarray]]]:
    return [(case, case.program(op, dtype), case.arrays(dtype)) for case in CASES[op] for dtype in case.dtypes[:1]]


@pytest.mark.parametrize("op", sorted(CASES))
def test_model_is_valid_and_onnx_infers_the_same_shapes(op: str) -> None:
    for case, program, _ in _programs(op):
        onnx.checker.check_model(to_onnx(program), full_check=True)
        model = write_model(program, with_types=False).proto
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        for output, value in zip(inferred.graph.output, program.outputs, strict=True):
            tensor = output.type.tensor_type
            if not tensor.HasField("shape"):
                assert op in INFERENCE_KNOWS_LESS, case.name
                continue
            assert len(tensor.shape.dim) == len(value.shape), case.name
            for dim, ours in zip(tensor.shape.dim, value.shape, strict=True):
                _agree(op, case, dim, ours)


def _agree(op: str, case: Case, dim: onnx.TensorShapeProto.Dimension, ours: DimLike) -> None:
    if dim.HasField("dim_value") and isinstance(ours, int):
        assert dim.dim_value == ours, case.name
    elif dim.HasField("dim_value"):
        pytest.fail(f"{op}/{case.name}: onnx says {dim.dim_value}, our rule {ours}")
    elif isinstance(ours, int):
        assert op in INFERENCE_KNOWS_LESS, case.name


@pytest.mark.parametrize("op", sorted(CASES))
def test_reference_evaluator_agrees(op: str) -> None:
    for case, program, arrays in _programs(op):
        if (op, case.name) in EVALUATOR_DIFFERS:
            continue
        model = to_onnx(program)
        feeds = dict(zip([info.name for info in model.graph.input], arrays, strict=True))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            results = ReferenceEvaluator(model).run(None, feeds)
        for actual, expected in zip(results, case.results(case.dtypes[0]), strict=True):
            assert not close(np.asarray(actual), expected, 4 * case.tolerance), case.name


@pytest.mark.parametrize("op", sorted(CASES))
def test_reading_back_gives_an_equal_program(op: str) -> None:
    for case, program, arrays in _programs(op):
        again = from_onnx(to_onnx(program))
        verify(again)
        with np.errstate(all="ignore"):
            expected, actual = evaluate(program, arrays), evaluate(again, arrays)
        for ours, theirs in zip(expected, actual, strict=True):
            assert not close(theirs, ours), case.name
        assert [value.name for value in again.inputs] == [info.name for info in to_onnx(program).graph.input]
