"""The ONNX standard's own tests of operators, as the onnx wheel carries them: those that read as programs."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from cornu.ir.onnx import OnnxImportError, from_onnx
from cornu.ir.program import Program

from cornu_conformance.check import Example

LIST = "onnx_tests.txt"
TOLERANCE = 50.0  # the standard's own is 1e-3, relatively, with 1e-7 from 0


def names() -> list[str]:
    """The names of the tests that read as programs, as `tests/support/list_onnx_tests.py` has listed them."""
    return (files("cornu_conformance") / LIST).read_text("utf-8").split()


@cache
def standard_tests() -> dict[str, Any]:
    """All tests of the installed onnx, by name; making them takes some seconds."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the standard's own cases overflow
        return {test.name: test for test in load_model_tests(kind="node")}


def example(name: str) -> Example | None:
    """A test as a program with its inputs and outputs; None where the installed onnx has no such test.

    Raises:
        OnnxImportError: If it does not read as a program.
    """
    test = standard_tests().get(name)
    if test is None:
        return None
    inputs, outputs = ([np.asarray(array) for array in arrays] for arrays in test.data_sets[0])
    program, kept = _read(test.model, inputs)
    return Example(program, [inputs[i] for i in kept], outputs, TOLERANCE)


def readable(name: str) -> bool:
    """Whether a test of the installed onnx reads as a program of tensors."""
    arrays = [array for both in standard_tests()[name].data_sets[0] for array in both]
    if not all(isinstance(array, (np.ndarray, np.generic)) for array in arrays):
        return False
    try:
        return example(name) is not None
    except (OnnxImportError, TypeError, ValueError):
        return False


def _read(model: Any, inputs: list[np.ndarray]) -> tuple[Program, list[int]]:
    """The program, and which inputs it takes: where sizes and axes come as tensors, these become constants first."""
    try:
        return from_onnx(model), list(range(len(inputs)))
    except OnnxImportError:
        kept = [i for i, array in enumerate(inputs) if i == 0 or array.dtype.kind not in "iub"]
        return from_onnx(_with_constants(model, inputs, kept)), kept


def _with_constants(model: Any, inputs: list[np.ndarray], kept: list[int]) -> Any:
    from onnx import ModelProto, numpy_helper

    fixed = ModelProto()
    fixed.CopyFrom(model)
    declared = list(fixed.graph.input)
    constants = [i for i in range(len(inputs)) if i not in kept]
    fixed.graph.initializer.extend(numpy_helper.from_array(inputs[i], declared[i].name) for i in constants)
    del fixed.graph.input[:]
    fixed.graph.input.extend(declared[i] for i in kept)
    return fixed
