"""Integer weights for exported models, by ONNX Runtime's quantizer."""

from __future__ import annotations

import logging
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, TypeProto, load_model
from onnx.helper import tensor_dtype_to_np_dtype

Array: TypeAlias = NDArray[Any]
Feed: TypeAlias = dict[str, Array]

MODES = ("dynamic", "static")
BATCH = 32
"""How many samples run at once where arrays are given whole."""

DYNAMIC_OPS = ("MatMul", "Gemm", "Conv", "LSTM", "Gather")
# Softmax, sigmoids and normalizations stay in floats: they weigh nothing, and 8 bits of a probability are few.
STATIC_OPS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "Add", "Mul", "Relu", "Clip", "LeakyRelu", "Concat"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"),
    *("Slice", "Split", "Pad", "Resize"),
)
_WEIGHT = {"MatMul": 1, "Gemm": 1, "Conv": 1, "ConvTranspose": 1, "LSTM": 1, "Gather": 0}
"""The operand that holds the weights."""
_QUIET = 4


@dataclass(frozen=True)
class OutputDifference:
    """How far one output of the quantized model is from the original's.

    Args:
        name: The output.
        largest: The largest absolute difference.
        mean: The mean absolute difference.
        agreement: The share of samples whose largest entry stands at the same place, for outputs
            `(samples, classes)`; None for others.
    """

    name: str
    largest: float
    mean: float
    agreement: float | None

    def __str__(self) -> str:
        agreement = "" if self.agreement is None else f", same class {self.agreement:.1%}"
        return f"{self.name}: largest difference {self.largest:.3g}, mean {self.mean:.3g}{agreement}"


@dataclass(frozen=True)
class QuantizationReport:
    """What quantization cost and saved.

    Args:
        outputs: One entry per output of the model.
        samples: How many samples were compared.
        bytes_before: The size of the original file.
        bytes_after: The size of the quantized file.
    """

    outputs: tuple[OutputDifference, ...]
    samples: int
    bytes_before: int
    bytes_after: int

    def __str__(self) -> str:
        share = self.bytes_after / self.bytes_before
        first = f"Quantized from {self.bytes_before:,} to {self.bytes_after:,} bytes ({share:.0%})"
        return "\n  ".join([f"{first}; compared on {self.samples} samples:", *map(str, self.outputs)])


def quantize(model: ModelProto, mode: str, calibration: Any = None) -> ModelProto:
    """Replaces the weights of an ONNX model by 8-bit integers, and what they are multiplied with.

    With `"dynamic"`, the range of what a product takes in is measured at every call, over the whole batch. With
    `"static"`, the ranges are those of `calibration`: pairs of QuantizeLinear and DequantizeLinear nodes (QDQ) hold
    them. Static weights use 7 bits of the 8, for sums of products overflow on older processors otherwise.

    Products, convolutions and embeddings get integers; `"dynamic"` does LSTMs, too, and no transposed convolutions.
    GRUs, simple RNNs and the inside of loops and branches keep their floats. Names and free dimensions of inputs and
    outputs stay as they are. All nodes are standard ONNX, except that an LSTM becomes ONNX Runtime's
    `DynamicQuantizeLSTM`.

    Args:
        model: A model with weights in float32; it is left as it is.
        mode: "dynamic" or "static".
        calibration: Typical inputs for "static", a hundred or so: an array, one array per input (a list, tuple or
            dictionary of names), or an iterable of batches, each of which is one of these.

    Raises:
        ValueError: If the mode is another, calibration is missing, unwanted or does not fit the inputs, or there is
            nothing to quantize.
        ImportError: If onnxruntime is not installed.

    Example:
        >>> import cornu as keras
        >>> model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export(f"{folder}/model.onnx", verbose=False)
        ...     proto = load_model(f"{folder}/model.onnx")
        >>> sorted({node.op_type for node in quantize(proto, "dynamic").graph.node} - {"Cast", "Mul", "Add"})
        ['DynamicQuantizeLinear', 'MatMulInteger']
    """
    if mode not in MODES:
        raise ValueError(f"`mode` must be 'dynamic' or 'static', got {mode!r}.")
    if mode == "dynamic" and calibration is not None:
        raise ValueError("`calibration` is for mode 'static'; a dynamic model measures its ranges when it runs.")
    feeds = _calibration_feeds(model, calibration) if mode == "static" else None
    with _silence(), tempfile.TemporaryDirectory(prefix="cornu-") as folder:
        prepared, written = Path(folder) / "prepared.onnx", Path(folder) / "quantized.onnx"
        _prepare(model, prepared)
        _check_weights(load_model(prepared), mode)
        if feeds is None:
            _quantize_dynamic(prepared, written)
        else:
            _quantize_static(prepared, written, feeds)
        result = load_model(written)
    _restore(result, model)
    _session(result)
    return result


def accuracy_report(original: ModelProto, quantized: ModelProto, samples: Any) -> QuantizationReport:
    """Runs both models on the same inputs and compares their outputs.

    Args:
        original: The model before.
        quantized: What `quantize` made of it.
        samples: Inputs, in any form that `quantize` takes for calibration.

    Raises:
        ValueError: If the models' outputs have other names, or the samples do not fit the inputs.
    """
    names = [value.name for value in original.graph.output]
    others = [value.name for value in quantized.graph.output]
    if names != others:
        raise ValueError(f"The models' outputs differ: {', '.join(names)} and {', '.join(others)}.")
    sessions = _session(original), _session(quantized)
    sums = {name: _Sums() for name in names}
    count = 0
    for feed in _feeds(_inputs_of(original), samples, "samples"):
        count += next((len(array) for array in feed.values() if array.ndim), 1)
        before, after = (session.run(names, feed) for session in sessions)
        for name, a, b in zip(names, before, after, strict=True):
            sums[name].add(np.asarray(a), np.asarray(b))
    if not count:
        raise ValueError("`samples` holds no batch.")
    outputs = tuple(total.difference(name) for name, total in sums.items())
    return QuantizationReport(outputs, count, original.ByteSize(), quantized.ByteSize())


class _Sums:
    """Differences of one output, summed over batches."""

    def __init__(self) -> None:
        self.largest = self.total = 0.0
        self.numbers = self.rows = self.agreeing = 0

    def add(self, before: Array, after: Array) -> None:
        distance = np.abs(before.astype(np.float64) - after.astype(np.float64))
        self.largest = max(self.largest, float(distance.max(initial=0)))
        self.total += float(distance.sum())
        self.numbers += distance.size
        if before.ndim == 2 and before.shape[1] > 1:
            self.rows += len(before)
            self.agreeing += int((before.argmax(1) == after.argmax(1)).sum())

    def difference(self, name: str) -> OutputDifference:
        agreement = self.agreeing / self.rows if self.rows else None
        return OutputDifference(name, self.largest, self.total / max(self.numbers, 1), agreement)


# -- the quantizer -------------------------------------------------------------------------------------------------


def _prepare(model: ModelProto, path: Path) -> None:
    """Writes the model with constants folded and normalizations merged into weights, as the quantizer wants it."""
    settings = _settings()
    import onnxruntime

    settings.optimized_model_filepath = str(path)
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    _start(model, settings)


def _check_weights(model: ModelProto, mode: str) -> None:
    allowed = DYNAMIC_OPS if mode == "dynamic" else STATIC_OPS
    ops = [op for op in _WEIGHT if op in allowed]
    weights = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    if not any(node.op_type in ops and node.input[_WEIGHT[node.op_type]] in weights for node in model.graph.node):
        raise ValueError(
            f"There is nothing to quantize in model {model.graph.name!r}: no {', '.join(ops)} outside of loops and "
            "branches has constant weights in float32."
        )


def _quantize_dynamic(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Unsigned weights: with signed ones, processors without VNNI saturate, and older runtimes lack ConvInteger.
    quantize_dynamic(
        source, target, op_types_to_quantize=list(DYNAMIC_OPS), per_channel=True, weight_type=QuantType.QUInt8
    )


def _quantize_static(source: Path, target: Path, feeds: Iterator[Feed]) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        source,
        target,
        _Reader(feeds),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(STATIC_OPS),
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=_products_of_activations(load_model(source)),
    )


def _products_of_activations(model: ModelProto) -> list[str]:
    """Products without weights, as in attention, which would lose more than they gain."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [node.name for node in model.graph.node if node.op_type == "MatMul" and node.input[1] not in weights]


class _Reader:
    """Calibration in the form that ONNX Runtime asks for."""

    def __init__(self, feeds: Iterator[Feed]) -> None:
        self._feeds = feeds

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def _restore(result: ModelProto, model: ModelProto) -> None:
    """Gives a quantized model the interface and origin of the one it was made of."""
    del result.graph.input[:], result.graph.output[:], result.metadata_props[:]
    result.graph.input.extend(model.graph.input)
    result.graph.output.extend(model.graph.output)
    result.metadata_props.extend(model.metadata_props)
    result.graph.name = model.graph.name
    result.producer_name, result.producer_version = model.producer_name, model.producer_version
    used = _domains(result.graph)
    kept = [entry for entry in result.opset_import if entry.domain in used]
    del result.opset_import[:]
    result.opset_import.extend(kept)


def _domains(graph: GraphProto) -> set[str]:
    found = {""}
    for node in graph.node:
        found.add(node.domain)
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                found |= _domains(body)
    return found


def _settings() -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = _QUIET
    return settings


def _start(model: ModelProto, settings: Any) -> Any:
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ValueError(f"ONNX Runtime cannot run model {model.graph.name!r}: {error}") from error


def _session(model: ModelProto) -> Any:
    return _start(model, _settings())


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps back what the quantizer logs and warns of in this thread; other messages pass."""
    import onnxruntime

    thread, package = threading.get_ident(), str(Path(onnxruntime.__file__).parent)

    def passes(record: logging.LogRecord) -> bool:
        return record.thread != thread or not record.pathname.startswith(package)

    root, handler = logging.getLogger(), logging.NullHandler()
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        # Logging through the root for the first time would give it a handler, for good.
        root.addHandler(handler)
        stack.callback(root.removeHandler, handler)
        root.addFilter(passes)
        stack.callback(root.removeFilter, passes)
        yield


# -- what runs through a model -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Input:
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str, ...]


def _inputs_of(model: ModelProto) -> list[_Input]:
    return [_input_of(value.name, value.type) for value in model.graph.input]


def _input_of(name: str, type: TypeProto) -> _Input:
    tensor = type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in tensor.shape.dim)
    return _Input(name, np.dtype(tensor_dtype_to_np_dtype(tensor.elem_type)), shape)


def _calibration_feeds(model: ModelProto, calibration: Any) -> Iterator[Feed]:
    if calibration is None:
        raise ValueError("Mode 'static' needs `calibration`: typical inputs, to take the ranges of numbers from.")
    feeds = _feeds(_inputs_of(model), calibration, "calibration")
    first = next(feeds, None)
    if first is None:
        raise ValueError("`calibration` holds no batch.")
    return map(_finite, chain([first], feeds))


def _finite(feed: Feed) -> Feed:
    for name, array in feed.items():
        if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
            raise ValueError(f"`calibration` holds NaN or infinity for input {name!r}: there is no range of these.")
    return feed


def _feeds(inputs: Sequence[_Input], data: Any, what: str) -> Iterator[Feed]:
    """Batches by the names of the inputs, checked one by one."""
    if _is_whole(inputs, data):
        yield from _cut(inputs, _feed(inputs, data, f"`{what}`"))
        return
    if not isinstance(data, Iterable) or isinstance(data, str | bytes):
        raise ValueError(f"`{what}` is an array, one array per input or an iterable of batches, got {data!r}.")
    for number, batch in enumerate(data):
        yield _feed(inputs, batch, f"Batch {number} of `{what}`")


def _is_whole(inputs: Sequence[_Input], data: Any) -> bool:
    """Whether data are arrays for the inputs; a list for a model of one input is a list of batches."""
    if isinstance(data, Mapping) or hasattr(data, "__array__"):
        return True
    several = isinstance(data, list | tuple) and len(inputs) > 1
    return several and not any(isinstance(part, list | tuple | Mapping) for part in data)


def _cut(inputs: Sequence[_Input], feed: Feed) -> Iterator[Feed]:
    leading = {spec.shape[0] if spec.shape else 1 for spec in inputs}
    if len(leading) != 1 or not isinstance(next(iter(leading)), str):
        yield feed
        return
    count = len(next(iter(feed.values())))
    for begin in range(0, count, BATCH):
        yield {name: array[begin : begin + BATCH] for name, array in feed.items()}


def _feed(inputs: Sequence[_Input], batch: Any, what: str) -> Feed:
    names = [spec.name for spec in inputs]
    if isinstance(batch, Mapping):
        given = dict(batch)
        if set(given) != set(names):
            raise ValueError(f"{what} is for {', '.join(map(repr, given))}; the inputs are {', '.join(names)}.")
    else:
        parts = list(batch) if isinstance(batch, list | tuple) else [batch]
        if len(parts) != len(names):
            raise ValueError(f"{what} has {len(parts)} arrays; the inputs are {', '.join(names)}.")
        given = dict(zip(names, parts, strict=True))
    sizes: dict[str, int] = {}
    return {spec.name: _fit(spec, given[spec.name], sizes, what) for spec in inputs}


def _fit(spec: _Input, value: Any, sizes: dict[str, int], what: str) -> Array:
    array = np.asarray(value)
    if not np.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise ValueError(f"{what} has dtype {array.dtype} for input {spec.name!r}, which is {spec.dtype}.")
    fixed = tuple(sizes.get(dim, dim) if isinstance(dim, str) else dim for dim in spec.shape)
    fits = len(fixed) == array.ndim and all(
        isinstance(dim, str) or dim == size for dim, size in zip(fixed, array.shape, strict=True)
    )
    if not fits:
        expected = "(" + ", ".join(map(str, fixed)) + ")"
        raise ValueError(f"{what} has shape {array.shape} for input {spec.name!r}, which is {expected}.")
    if not array.size:
        raise ValueError(f"{what} has shape {array.shape} for input {spec.name!r}: it is empty.")
    sizes |= {dim: size for dim, size in zip(spec.shape, array.shape, strict=True) if isinstance(dim, str) and dim}
    return array.astype(spec.dtype, copy=False)
