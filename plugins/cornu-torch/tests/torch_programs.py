"""Programs made by hand, run on torch and on the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cornu.primitives  # noqa: F401 - registers the operators
import numpy as np
from cornu.backend.contract import CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.interpret import evaluate
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu_torch import TorchBackend

BACKEND = TorchBackend()


def program_of(make: Callable[..., Any], *arrays: np.ndarray) -> Program:
    """A program from a function of a builder and its inputs, for arrays of these types."""
    b = Builder("test")
    outputs = make(b, *(b.input(TensorType(array.dtype.name, array.shape)) for array in arrays))
    return b.finish(list(outputs) if isinstance(outputs, (list, tuple)) else [outputs])


def run(program: Program, arrays: Sequence[np.ndarray], donate: frozenset[int] = frozenset()) -> list[np.ndarray]:
    """The program's results on torch, prepared as the core does it."""
    executable = BACKEND.compile(prepare(program, BACKEND), CompileOptions())
    outputs = executable([BACKEND.from_numpy(array, "") for array in arrays], donate)
    return [BACKEND.to_numpy(buffer) for buffer in outputs]


def expected(program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The program's results on the reference kernels."""
    with np.errstate(all="ignore"):
        return evaluate(program, arrays)


def same(left: Sequence[np.ndarray], right: Sequence[np.ndarray], tolerance: float = 1e-6) -> None:
    """Checks that results agree: integers exactly, floats nearly."""
    assert len(left) == len(right)
    for have, want in zip(left, right, strict=True):
        assert have.dtype == want.dtype
        if have.dtype.kind in "biu":
            np.testing.assert_array_equal(have, want)
        else:
            np.testing.assert_allclose(have.astype("float64"), want.astype("float64"), tolerance, tolerance)
