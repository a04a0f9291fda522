"""Comparing an exported file with the program that it was made of, before it takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cornu.backend.contract import BackendError
from cornu.export.exportable import Exportable
from cornu.ir.dim import substitute, symbols_of
from cornu.ir.program import Value
from cornu.ir.types import is_float, numpy_dtype
from cornu.tracing.compiled import CompiledProgram
from cornu.tracing.tensor import from_numpy

TOLERANCES = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 1e-4, "float64": 1e-6}
BATCHES = (3, 1)
SIZES = ((7, 12), (20, 33), (67, 96), (131, 224))
"""Pairs of sizes for what is open beside the batch; larger ones are tried where a model needs them."""


class ExportError(ValueError):
    """The exported file is not valid, or computes other numbers than the model."""


def verify(path: Path, exportable: Exportable) -> None:
    """Checks a file with onnx's own checker, and its numbers at two sizes of each open dimension.

    Args:
        path: The file, whose weights may lie beside it.
        exportable: What it was made of.

    Raises:
        ExportError: It is not valid, the runtime refuses it, or its numbers are others.
    """
    check(path)
    run = _Runner(path)
    symbols = sorted({name for value in exportable.program.inputs for dim in value.shape for name in symbols_of(dim)})
    for batch, sizes in zip(BATCHES, zip(*SIZES, strict=True), strict=True):
        _compare_at_first_fitting(run, exportable, symbols, batch, sizes)
        if not symbols:
            break


def check(path: Path) -> None:
    """Checks a file against the standard, shapes and all.

    Raises:
        ExportError: It is not valid.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"The exported model is not valid: {error}") from error


class _Runner:
    """A session of ONNX Runtime; where that has no kernel for a dtype, onnx's own evaluator.

    Args:
        path: The file.

    Raises:
        ExportError: The runtime does not take it.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime
        from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._run = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run
        except NoKernel:
            from onnx.reference import ReferenceEvaluator

            self._run = ReferenceEvaluator(str(path)).run
        except Exception as error:
            raise ExportError(f"ONNX Runtime does not load the exported model: {error}") from error

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [np.asarray(array) for array in self._run(None, dict(feeds))]


def _compare_at_first_fitting(
    run: _Runner, exportable: Exportable, symbols: Sequence[str], batch: int, sizes: Sequence[int]
) -> None:
    reasons = []
    for base in sizes:
        # Each has a size of its own, so that mixing two of them up is seen.
        chosen = {name: batch if name == "batch" else base + i for i, name in enumerate(symbols)}
        try:
            arrays = _inputs(exportable, chosen)
            expected = _expected(exportable, arrays)
        except (ValueError, BackendError) as error:
            reasons.append(f"{chosen}: {error}")
            continue
        _compare(run, exportable, arrays, expected, chosen)
        return
    raise ExportError(
        "The model runs at none of the sizes that were tried, so its file cannot be verified "
        f"(`verify=False` writes it nevertheless): {'; '.join(reasons)}"
    )


def _inputs(exportable: Exportable, sizes: Mapping[str, int]) -> list[np.ndarray]:
    """Numbers for the inputs of the caller; the state has its own."""
    random = np.random.default_rng(0)
    count = len(exportable.input_names) - len(exportable.state)
    return [_numbers(value, sizes, random) for value in exportable.program.inputs[:count]]


def _numbers(value: Value, sizes: Mapping[str, int], random: np.random.Generator) -> np.ndarray:
    shape = [int(substitute(dim, sizes)) for dim in value.shape]
    if is_float(value.dtype):
        return np.asarray(random.standard_normal(shape)).astype(numpy_dtype(value.dtype))
    return np.asarray(random.integers(0, 2, shape)).astype(numpy_dtype(value.dtype))  # valid indices, whatever of


def _expected(exportable: Exportable, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the selected backend makes of the program with its variables as inputs, as `predict` does."""
    operands = [from_numpy(array) for array in (*arrays, *exportable.values)]
    return [tensor.numpy() for tensor in CompiledProgram(exportable.plain).run(operands)]


def _compare(
    run: _Runner,
    exportable: Exportable,
    arrays: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    sizes: Mapping[str, int],
) -> None:
    try:
        actual = run(dict(zip(exportable.input_names, arrays, strict=False)))
    except Exception as error:
        raise ExportError(f"ONNX Runtime cannot run the exported model at sizes {dict(sizes)}: {error}") from error
    narrow = _narrowest(exportable)
    for name, have, want in zip(exportable.output_names, actual, expected, strict=True):
        if have.shape != want.shape or have.dtype != want.dtype:
            raise ExportError(
                f"Output {name!r} of the exported model is {have.dtype}{list(have.shape)} at sizes {dict(sizes)}, "
                f"but the model gives {want.dtype}{list(want.shape)}."
            )
        if (worst := _difference(have, want, narrow)) is not None:
            raise ExportError(f"Output {name!r} of the exported model differs by {worst:g} at sizes {dict(sizes)}.")


def _narrowest(exportable: Exportable) -> float:
    """The tolerance of the shortest floats that anything is computed in."""
    found = {value.dtype for node in exportable.program.walk() for value in (*node.inputs, *node.outputs)}
    return max((TOLERANCES[dtype] for dtype in found if dtype in TOLERANCES), default=1e-6)


def _difference(have: np.ndarray, want: np.ndarray, tolerance: float) -> float | None:
    """How far apart two arrays are, where that is more than rounding."""
    if not is_float(want.dtype.name):
        return None if np.array_equal(have, want) else float(np.sum(have != want))
    left, right = have.astype(np.float64), want.astype(np.float64)
    scale = float(np.max(np.abs(right), initial=1.0, where=np.isfinite(right)))
    if np.allclose(left, right, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
        return None
    return float(np.nanmax(np.abs(left - right)))
