"""Every case of every primitive, and its gradient, on every built-in backend: as on the reference kernels."""

from __future__ import annotations

from collections.abc import Sequence

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
import pytest
from cornu.backend.contract import Backend, CompileOptions
from cornu.backend.manager import get_backend
from cornu.ir.differentiate import vjp_program
from cornu.ir.interpret import evaluate
from cornu.ir.passes import prepare
from cornu.ir.primitive import lookup
from cornu.ir.program import Program
from cornu.ir.types import is_float
from cornu_conformance.case import Case, close, load_cases
from cornu_conformance.differences import float_positions

CASES = load_cases()
LOOSE = 50.0  # a runtime's functions may differ from the reference's by some units in the last place

NAN_INDEX = "ArgMax and ArgMin pass over NaN there; NumPy and JAX give its place"
NAN_POOL = "MaxPool starts from the lowest finite number there, and passes over NaN"
OVERFLOW = "a Cast of a float outside an integer's range wraps there, or gives the lowest number"

KNOWN = {
    "onnxruntime": {
        "ArgMax/nan": NAN_INDEX,
        "ArgMin/nan": NAN_INDEX,
        "Cast/to_int8": OVERFLOW,
        "Cast/to_uint8": OVERFLOW,
        "Cast/to_int32": OVERFLOW,
        "Cast/to_uint32": OVERFLOW,
        "Cast/to_int64": OVERFLOW,
        "MaxPool/all_minus_infinity": NAN_POOL,
        "MaxPool/nan": NAN_POOL,
        "ReduceMean/of_nothing": "the mean of nothing is 0 there instead of NaN",
    }
}


def run(backend: Backend, program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    executable = backend.compile(prepare(program, backend), CompileOptions())
    outputs = executable([backend.from_numpy(array, "") for array in arrays])
    return [backend.to_numpy(output) for output in outputs]


def problems(backend: Backend, program: Program, arrays: list[np.ndarray], tolerance: float) -> list[str]:
    """What differs from the reference, in the results and in the gradient."""
    found = compare(run(backend, program, arrays), evaluate(program, arrays), tolerance)
    return [f"value: {problem}" for problem in found]


def gradient_problems(backend: Backend, program: Program, arrays: list[np.ndarray], tolerance: float) -> list[str]:
    rule = vjp_program(program, float_positions(program))
    random = np.random.default_rng(0)
    floats = [y for y, v in zip(evaluate(program, arrays), program.outputs, strict=True) if is_float(v.dtype)]
    given = [*arrays, *(random.normal(size=y.shape).astype(y.dtype) for y in floats)]
    return [f"gradient: {p}" for p in compare(run(backend, rule, given), evaluate(rule, given), tolerance)]


def compare(actual: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> list[str]:
    return [p for have, want in zip(actual, expected, strict=True) if (p := close(have, want, tolerance))]


def check(backend: Backend, op: str, case: Case, dtype: str) -> list[str]:
    program, arrays = case.program(op, dtype), case.arrays(dtype)
    tolerance = LOOSE * case.tolerance
    found = problems(backend, program, arrays, tolerance)
    smooth = case.orders or case.gradient is not None
    if smooth and lookup(op).vjp is not None and any(float_positions(program)):
        found += gradient_problems(backend, program, arrays, tolerance)
    return found


@pytest.mark.parametrize("op", sorted(CASES))
@pytest.mark.parametrize("name", ["numpy", "onnxruntime"])
def test_cases(name: str, op: str) -> None:
    backend = get_backend(name)
    known = KNOWN.get(name, {})
    wrong = {}
    for case in CASES[op]:
        for dtype in case.dtypes:
            if found := check(backend, op, case, dtype):
                wrong[f"{op}/{case.name}/{dtype}"] = found
    unknown = {where: found for where, found in wrong.items() if where.rsplit("/", 1)[0] not in known}
    assert not unknown
    passing = [where for where in known if where.startswith(f"{op}/") and not any(w.startswith(where) for w in wrong)]
    assert not passing, "known failures that pass"
