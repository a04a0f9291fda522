"""The matrix of exports: every layer, with fixed and open sizes, in two dtypes and three opsets.

A cell is exported, checked by onnx in full, and run by ONNX Runtime and by onnx's own evaluator; both must give what
`predict` gives on the reference kernels.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import onnx
import onnxruntime
from cornu.ir.onnx.schemas import newest_opset
from cornu_conformance.layer_draws import DRAWS
from cornu_conformance.layer_draws.drawn import Drawn, floats
from onnx.reference import ReferenceEvaluator

VARIANTS = ("fixed", "batch", "sizes")
DTYPES = ("float32", "float16")
OPSETS = (17, 21, newest_opset())
TOLERANCE = {"float32": 1e-5, "float16": 1e-2}
SEED = 0


class RefusedError(Exception):
    """The layer itself, or the export, refuses a cell; the message says why."""


EVALUATOR_LACKS = {"Scan is not implemented for other output input_direction than 0": "backward Scan"}
"""What onnx's evaluator does not have, by its error. Those layers' numbers are compared with recorded Keras, too."""


@dataclass(frozen=True)
class Model:
    """A model around one layer, and arrays of two sizes for it."""

    model: Any
    feeds: list[list[np.ndarray]]


@contextmanager
def policy(dtype: str) -> Iterator[None]:
    """Layers made in the block compute in a dtype."""
    before = cornu.config.dtype_policy()
    cornu.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        cornu.config.set_dtype_policy(before)


def build(name: str, variant: str, dtype: str, seed: int = SEED) -> Model:
    """The layer of a draw in a model of its own.

    Args:
        name: A name of `DRAWS`.
        variant: "fixed" sizes, an open "batch", or open spatial and time "sizes" too.
        dtype: What it computes in.
        seed: Of the draw.

    Raises:
        RefusedError: The layer needs to know a size.
    """
    cornu.utils.clear_session(free_memory=False)
    draw = random.Random(f"{name} {seed}")
    with policy(dtype):
        drawn = DRAWS[name](cornu, draw)
        inputs: list[Any] = []
        arrays: list[np.ndarray] = []
        axes: list[list[int]] = []

        def enter(value: Any) -> Any:
            if isinstance(value, list):
                return [enter(item) for item in value]
            if not isinstance(value, np.ndarray):
                return value
            array = value.astype(dtype) if value.dtype == np.float32 else value
            arrays.append(array)
            axes.append(_open_axes(drawn, array, variant))
            shape = [None if axis in axes[-1] else size for axis, size in enumerate(array.shape)]
            inputs.append(cornu.Input(batch_shape=shape, dtype=str(array.dtype), name=f"input_{len(inputs)}"))
            return inputs[-1]

        args = [enter(value) for value in drawn.args]
        kwargs = {key: enter(value) for key, value in drawn.kwargs.items()}
        try:
            outputs = drawn.layer(*args, **kwargs)
        except (TypeError, ValueError) as error:
            if variant != "sizes":
                raise
            raise RefusedError(_reason(error)) from error
        model = cornu.Model(inputs if len(inputs) > 1 else inputs[0], outputs)
    for variable in model.weights:
        if "float" in str(variable.dtype):
            values = floats(draw, *variable.shape, scale=0.5)
            variable.assign(np.abs(values) + 0.5 if variable.name.endswith(("variance", "stddev")) else values)
    feeds = [arrays]
    if variant != "fixed":
        grown = [open_axes if variant == "batch" else open_axes[1:] for open_axes in axes]
        feeds.append([_enlarged(array, growing) for array, growing in zip(arrays, grown, strict=True)])
        feeds.append([array[:1] for array in arrays])
    return Model(model, feeds)


def _open_axes(drawn: Drawn, array: np.ndarray, variant: str) -> list[int]:
    if variant == "fixed":
        return []
    axes: Sequence[int]
    if variant == "batch":
        axes = ()
    elif array.dtype.kind == "b" or array.ndim == 2:
        axes = range(1, array.ndim if array.dtype.kind in "bi" else 1)
    elif type(drawn.layer).__name__.startswith("ConvLSTM") and array.ndim == len(drawn.layer.kernel_size) + 3:
        axes = [1, *_spatial(drawn, array, 2)]
    else:
        axes = _spatial(drawn, array, 1)
    return [0, *(axis for axis in axes if array.shape[axis] > 1)]  # what is 1 may be there to be broadcast


def _spatial(drawn: Drawn, array: np.ndarray, first: int) -> range:
    channels_first = drawn.layer.get_config().get("data_format") == "channels_first"
    return range(first + 1, array.ndim) if channels_first else range(first, array.ndim - 1)


def _enlarged(array: np.ndarray, axes: list[int]) -> np.ndarray:
    for axis in axes:
        array = np.concatenate([array, array], axis)
    return array


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def wanted(case: Model) -> list[list[np.ndarray]]:
    """What `predict` gives for each of the feeds, on the reference kernels.

    Raises:
        RefusedError: The model does not run at all sizes.
    """
    found = []
    with cornu.use_backend("numpy"):
        for arrays in case.feeds:
            given = arrays if len(arrays) > 1 else arrays[0]
            try:
                outputs = case.model.predict_on_batch(given)
            except ValueError as error:
                raise RefusedError(_reason(error)) from error
            found.append([np.asarray(item) for item in cornu.tree.flatten(outputs)])
    return found


def export(case: Model, path: Path, opset: int) -> onnx.ModelProto:
    """The file, checked in full.

    Raises:
        RefusedError: The opset cannot express the model.
    """
    from cornu.export.exportable import SymbolicSizeError
    from cornu.ir.onnx import OnnxExportError

    try:
        case.model.export(path, opset_version=opset, verify=False, verbose=False)
    except (OnnxExportError, SymbolicSizeError) as error:
        raise RefusedError(_reason(error)) from error
    onnx.checker.check_model(str(path), full_check=True)
    return onnx.load(str(path))


def by_onnxruntime(proto: onnx.ModelProto, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """What ONNX Runtime makes of it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in proto.graph.input]
    return list(session.run(None, dict(zip(names, arrays, strict=True))))


def by_evaluator(proto: onnx.ModelProto, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """What onnx's evaluator makes of it."""
    names = [value.name for value in proto.graph.input]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of NumPy, of float16 that overflows inside
        return list(ReferenceEvaluator(proto).run(None, dict(zip(names, arrays, strict=True))))


def differences(found: list[np.ndarray], wanted: list[np.ndarray], dtype: str) -> list[str]:
    """Where outputs are not what they must be."""
    told = []
    for i, (have, want) in enumerate(zip(found, wanted, strict=True)):
        tolerance = TOLERANCE[dtype]
        if have.shape != want.shape or have.dtype != want.dtype:
            told.append(f"output {i}: {have.dtype}{list(have.shape)}, not {want.dtype}{list(want.shape)}")
        elif want.dtype.kind != "f":
            told += [] if np.array_equal(have, want) else [f"output {i} differs"]
        elif not np.allclose(have, want, rtol=tolerance, atol=tolerance, equal_nan=True):
            worst = np.nanmax(np.abs(have.astype("float64") - want.astype("float64")))
            told.append(f"output {i} differs by {worst:.3g}")
    return told


@dataclass(frozen=True)
class Cell:
    """What came of a variant of a layer, in all dtypes and opsets.

    Args:
        refused: Why there is no such file; empty where there is one.
        wrong: Where numbers differ.
        lacks: What onnx's evaluator does not have of it.
    """

    refused: str = ""
    wrong: tuple[str, ...] = ()
    lacks: str = ""

    def __str__(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        return "wrong" if self.wrong else f"equal (evaluator lacks {self.lacks})" if self.lacks else "equal"


def run_cell(name: str, variant: str, folder: Path) -> Cell:
    """Exports a variant of a layer in every dtype and opset, and compares.

    Args:
        name: A name of `DRAWS`.
        variant: One of `VARIANTS`.
        folder: Where files may be written.
    """
    wrong: list[str] = []
    lacks = ""
    try:
        for dtype in DTYPES:
            case = build(name, variant, dtype)
            expected = wanted(case)
            for opset in OPSETS:
                proto = export(case, folder / f"{name}.onnx", opset)
                found, lack = _compared(case, expected, proto, dtype)
                wrong += [f"{dtype}, opset {opset}: {text}" for text in found]
                lacks = lacks or lack
    except RefusedError as error:
        return Cell(refused=str(error))
    return Cell(wrong=tuple(wrong), lacks=lacks)


def _compared(
    case: Model, expected: list[list[np.ndarray]], proto: onnx.ModelProto, dtype: str
) -> tuple[list[str], str]:
    wrong: list[str] = []
    lacks = ""
    for arrays, outputs in zip(case.feeds, expected, strict=True):
        wrong += [f"onnxruntime: {text}" for text in differences(by_onnxruntime(proto, arrays), outputs, dtype)]
        try:
            wrong += [f"evaluator: {text}" for text in differences(by_evaluator(proto, arrays), outputs, dtype)]
        except RuntimeError as error:
            lacks = next((what for text, what in EVALUATOR_LACKS.items() if text in str(error)), "")
            if not lacks:
                raise
    return wrong, lacks
