"""Short ways to run programs here and on the reference kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
from cornu.backend.contract import CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.interpret import evaluate
from cornu.ir.program import Program
from cornu.ir.types import TensorType, is_float
from cornu_openvino import OpenVinoBackend

BACKEND = OpenVinoBackend()


def program(make: Callable[..., Any], *types: TensorType) -> Program:
    """A program from a function of a builder and its inputs."""
    b = Builder("test")
    made = make(b, *[b.input(type, f"x{i}") for i, type in enumerate(types)])
    return b.finish(list(made) if isinstance(made, list | tuple) else [made])


def program_for(make: Callable[..., Any], arrays: Sequence[np.ndarray]) -> Program:
    """A program for arrays of these dtypes and shapes."""
    return program(make, *[TensorType(array.dtype.name, array.shape) for array in arrays])


def run(made: Program, arrays: Sequence[np.ndarray], backend: OpenVinoBackend = BACKEND) -> list[np.ndarray]:
    """Compiles a program as it is, not legalised, and runs it."""
    executable = backend.compile(made, CompileOptions())
    return [backend.to_numpy(buffer) for buffer in executable([backend.from_numpy(array, "") for array in arrays])]


def check(make: Callable[..., Any], *arrays: np.ndarray, tolerance: float = 2e-6) -> None:
    """Compares the results with those of the reference kernels; NaN equals NaN."""
    made = program_for(make, arrays)
    with np.errstate(all="ignore"):
        expected = evaluate(made, arrays)
    for have, want in zip(run(made, arrays), expected, strict=True):
        assert (have.dtype, have.shape) == (want.dtype, want.shape)
        if is_float(want.dtype.name):
            np.testing.assert_allclose(have.astype(np.float32), want.astype(np.float32), rtol=tolerance, atol=1e-37)
        else:
            np.testing.assert_array_equal(have, want)
