"""From a model to a verified file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cornu.export import steps
from cornu.export.exportable import Exportable
from cornu.export.signature import DynamicShapes
from cornu.export.verification import verify as verify_file
from cornu.export.writing import LARGEST_FILE, bytes_of, describe, to_model, written
from cornu.ir.scope import layer_path

if TYPE_CHECKING:
    from onnx import ModelProto

    from cornu.export.quantization import QuantizationReport

KINDS = {"predict": steps.prediction, "train_step": steps.train_step}
QUANTIZED = (None, "dynamic", "static")


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Args:
        path: The file.
        opset: The version of the standard operators.
        input_names: The names of the inputs, state included.
        output_names: The names of the outputs, new state included.
        state_names: Which inputs are state.
        notes: What somebody who reads the graph may wonder about.
        quantization: How far the quantized model is from the one in floats, where it was quantized with samples.
    """

    path: Path
    opset: int
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    state_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    quantization: QuantizationReport | None = None

    def __str__(self) -> str:
        lines = [f"Saved artifact at '{self.path}'.", *(f"Note: {note}" for note in self.notes)]
        return "\n".join(lines if self.quantization is None else [*lines, str(self.quantization)])


def export_model(
    model: Any,
    filepath: Any,
    format: str = "onnx",
    verbose: bool | None = None,
    input_signature: Any = None,
    *,
    opset_version: int | None = None,
    dynamic_shapes: DynamicShapes = None,
    verify: bool = True,
    kind: str = "predict",
    fold_batch_normalization: bool = False,
    external_data: bool | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    class_labels: Sequence[str] | None = None,
    quantize: str | None = None,
    calibration: Any = None,
) -> ExportReport:
    """Writes a model or a function as an ONNX file of standard operators; a failure leaves an older file as it was.

    What is written is the `training=False` program that `predict` runs, with the weights in it. The batch and every
    other size that the model leaves open stay open. The same model gives the same bytes.

    Args:
        model: A built model or layer, or a `cornu.function`.
        filepath: Where to write.
        format: "onnx".
        verbose: Whether to say what was written; None is True.
        input_signature: `InputSpec`s or KerasTensors of the inputs, in the structure that the model is called with; of
            a function, one for each argument; of a train step, a tuple of inputs and targets (and sample weights). The
            model's own inputs if missing.
        opset_version: The version of the standard operators, 17 or later; None is 21. The lowest IR version that has
            it is used.
        dynamic_shapes: Names of further sizes that stay open, for each input from axis to name: by the input's name,
            or a list in the inputs' order.
        verify: Whether onnx's checker and a comparison of numbers in ONNX Runtime, at two sizes of each open
            dimension, come before the file takes its place. Of a quantized model the numbers are others; there ONNX
            Runtime loads it, and `calibration` shows the difference.
        kind: "predict", or "train_step": the batch and the weights and the optimizer's state in, the loss, the metrics
            and the new state out.
        fold_batch_normalization: Whether normalizations by fixed statistics become part of the convolutions and dense
            layers before them, which changes numbers by rounding.
        external_data: Whether weights lie in a file beside the model's; None does so where one file cannot hold them.
        description: A text for the model's documentation.
        metadata: Entries of the model's metadata.
        class_labels: What the last axis of the output stands for; kept as JSON in the metadata `class_labels`.
        quantize: "dynamic" or "static" for weights of 8 bits, by ONNX Runtime's quantizer.
        calibration: Samples of the inputs: needed by "static"; with "dynamic" they serve to report the difference.

    Returns:
        What was exported.

    Raises:
        ValueError: If an argument has no such value, the inputs are not known, or a size cannot stay open.
        OnnxExportError: If the opset cannot express some nodes; all are listed.
        ExportError: If the file is not valid, or computes other numbers than the model.

    Example:
        >>> import tempfile
        >>> import cornu as keras
        >>> model = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(2, name="y")])
        >>> report = model.export(Path(tempfile.mkdtemp()) / "model.onnx", verbose=False)
        >>> report.input_names, report.output_names
        (('x',), ('y',))
    """
    _check(format, kind, quantize)
    path = Path(filepath)
    exportable = KINDS[kind](model, input_signature, dynamic_shapes)
    if fold_batch_normalization:
        from cornu.ir.passes.fold_normalization import fold_normalization

        exportable = exportable.with_program(fold_normalization(exportable.program))
    outside = external_data if external_data is not None else bytes_of(exportable) > LARGEST_FILE
    proto, arrays = to_model(exportable, opset_version, outside)
    quantization = None
    if quantize is not None:
        if outside:
            raise ValueError("`quantize` needs the weights in the model: leave `external_data` out.")
        proto, quantization = _quantized(proto, quantize, calibration)
    describe(proto, description, metadata, class_labels)
    with written(path, proto, arrays) as file:
        if verify and quantize is None:
            verify_file(file, exportable)
    report = ExportReport(
        path,
        proto.opset_import[0].version,
        exportable.input_names,
        exportable.output_names,
        tuple(exportable.state),
        tuple(notes(exportable)),
        quantization,
    )
    if verbose is None or verbose:
        print(report)
    return report


def _quantized(model: ModelProto, mode: str, calibration: Any) -> tuple[ModelProto, QuantizationReport | None]:
    from cornu.export.quantization import accuracy_report, quantize

    samples = list(calibration) if isinstance(calibration, Iterator) else calibration  # they are needed twice
    result = quantize(model, mode, samples if mode == "static" else None)
    return result, None if samples is None else accuracy_report(model, result, samples)


def _check(format: str, kind: str, quantize: str | None) -> None:
    if format != "onnx":
        raise ValueError(f"`format` must be 'onnx', got {format!r}.")
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(map(repr, KINDS))}, got {kind!r}.")
    if quantize not in QUANTIZED:
        raise ValueError(f"`quantize` must be None, 'dynamic' or 'static', got {quantize!r}.")
    if quantize is not None and kind != "predict":
        raise ValueError(f"`quantize` is for predictions, not for kind={kind!r}.")


def notes(exportable: Exportable) -> list[str]:
    """What is written otherwise than one would expect, and why."""
    from cornu.ir.onnx.writing.pairing import OPERANDS

    found = []
    for node in exportable.program.walk():
        name = node.attributes["name"] if node.op == "Call" else ""
        if name in OPERANDS and len(node.inputs) > OPERANDS[name]:
            layer = layer_path(node.scope)
            found.append(f"{layer}: its mask may have holes, so that it is a loop and not one {name} node.")
    return found
