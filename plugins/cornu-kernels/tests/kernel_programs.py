"""Programs made by hand, run with the custom operators and on the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cornu.primitives  # noqa: F401 - registers the operators
import numpy as np
from cornu.backend.contract import CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.interpret import evaluate
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu.ir.verify import verify
from cornu_kernels import Kernels
from cornu_onnxruntime import OnnxRuntimeBackend
from cornu_onnxruntime.lowering import lower

BACKEND = OnnxRuntimeBackend(kernels=True)


def program_of(make: Callable[..., Any], *arrays: np.ndarray) -> Program:
    """A program from a function of a builder and its inputs, for arrays of these types."""
    b = Builder("test")
    outputs = make(b, *(b.input(TensorType(array.dtype.name, array.shape)) for array in arrays))
    return b.finish(list(outputs) if isinstance(outputs, (list, tuple)) else [outputs])


def names(program: Program) -> list[str]:
    """What its nodes are."""
    return [str(node.attributes["name"]) if node.op == "Call" else node.op for node in program.nodes]


def check(program: Program, arrays: Sequence[np.ndarray], tolerance: float = 1e-6) -> list[str]:
    """Compares the results with the reference kernels'; returns what the lowered program's nodes are."""
    lowered = lower(program, kernels=Kernels())
    placed, _ = Kernels().update_in_place(lowered)
    with np.errstate(all="ignore"):
        want = evaluate(program, arrays)
        for same in (lowered, placed):  # composites mean what their bodies say
            verify(same)
            agree(evaluate(same, arrays), want, tolerance)
    buffers = [BACKEND.from_numpy(array, "") for array in arrays]
    results = BACKEND.compile(program, CompileOptions())(buffers)
    agree([BACKEND.to_numpy(buffer) for buffer in results], want, tolerance)
    return names(lowered)


def agree(have: Sequence[np.ndarray], want: Sequence[np.ndarray], tolerance: float) -> None:
    """Checks that results are the same but for rounding."""
    assert len(have) == len(want)
    for left, right in zip(have, want, strict=True):
        assert left.dtype == right.dtype
        assert left.shape == right.shape
        np.testing.assert_allclose(left, right, tolerance, tolerance)
