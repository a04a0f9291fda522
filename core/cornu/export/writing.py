"""Exportables as ONNX models, and models as files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cornu.export.exportable import Exportable
from cornu.saving.atomic import atomic_file

if TYPE_CHECKING:
    from onnx import ModelProto

LARGEST_FILE = 2**31 - 2**20
"""What protobuf can hold; a model that is larger has its weights beside it."""

INSIDE = 1024
"""Constants of fewer bytes stay in the model's file."""


def to_model(
    exportable: Exportable, opset: int | None = None, outside: bool = False
) -> tuple[ModelProto, Mapping[str, np.ndarray]]:
    """Writes a program as an ONNX model.

    An input of state has its first value as its default: whoever runs the model may leave it out.

    Args:
        exportable: The program.
        opset: The version of the standard operators; None for the default one.
        outside: Whether large constants are kept out of the model.

    Returns:
        The model, and the constants that are kept out of it, by name.

    Raises:
        OnnxExportError: The opset cannot express some nodes.
        ValueError: There is no such opset.
    """
    from cornu.ir.onnx.protos import mark_weights, tensor_proto
    from cornu.ir.onnx.schemas import DEFAULT_OPSET
    from cornu.ir.onnx.writing.export import write_model

    written = write_model(
        exportable.program,
        opset=DEFAULT_OPSET if opset is None else opset,
        input_names=exportable.input_names,
        output_names=exportable.output_names,
        by_reference=INSIDE if outside else None,
    )
    defaults = [tensor_proto(np.asarray(array), name) for name, array in exportable.state.items()]
    written.proto.graph.initializer.extend(defaults)
    mark_weights(written.proto, (*written.weights, *exportable.state))
    return written.proto, written.arrays


def bytes_of(exportable: Exportable) -> int:
    """How many bytes the constants of a program have."""
    constants = (int(node.attributes["value"].nbytes) for node in exportable.program.walk() if node.op == "Constant")
    return sum(constants) + sum(array.nbytes for array in exportable.state.values())


def describe(
    model: ModelProto,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    class_labels: Sequence[str] | None = None,
) -> None:
    """Adds what people want to know of a model.

    Args:
        model: The model.
        description: A text.
        metadata: Entries by name.
        class_labels: What the last axis of the first output stands for, as JSON under the name `class_labels`.

    Raises:
        ValueError: The labels do not fit the output.
    """
    import json

    entries = dict(metadata or {})
    if class_labels is not None:
        shape = model.graph.output[0].type.tensor_type.shape.dim
        if shape and shape[-1].HasField("dim_value") and shape[-1].dim_value != len(class_labels):
            raise ValueError(f"There are {len(class_labels)} class labels, but the output has {shape[-1].dim_value}.")
        entries["class_labels"] = json.dumps(list(class_labels), ensure_ascii=False)
    if description is not None:
        model.doc_string = description
    for key, value in sorted(entries.items()):
        model.metadata_props.add(key=key, value=str(value))


@contextmanager
def written(path: Path, model: ModelProto, arrays: Mapping[str, np.ndarray]) -> Iterator[Path]:
    """Writes a model beside its place and moves it there if the block succeeds; else everything is as it was.

    Weights outside go to a file beside it that is named after what they are, so that an older model finds its own until
    the new one takes its place.

    Args:
        path: The model's place.
        model: The model.
        arrays: The constants that are kept out of it.
    """
    weights = _place_of_weights(path, arrays) if arrays else None
    new = weights is not None and not weights.exists()
    if weights is not None:
        _write_weights(weights, model, arrays)
    try:
        with atomic_file(path) as file:
            file.write(model.SerializeToString(deterministic=True))
            file.flush()
            yield Path(file.name)
    except BaseException:
        if weights is not None and new:
            weights.unlink(missing_ok=True)
        raise
    for old in path.parent.glob(f"{path.name}.????????????????.weights"):
        if old != weights:
            old.unlink()


def _place_of_weights(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(name.encode())
        digest.update(_bytes(array))
    return path.with_name(f"{path.name}.{digest.hexdigest()[:16]}.weights")


def _write_weights(target: Path, model: ModelProto, arrays: Mapping[str, np.ndarray]) -> None:
    with atomic_file(target) as file:
        for tensor in model.graph.initializer:
            if tensor.name in arrays:
                data = _bytes(arrays[tensor.name])
                del tensor.external_data[:]
                for key, value in (("location", target.name), ("offset", file.tell()), ("length", len(data))):
                    tensor.external_data.add(key=key, value=str(value))
                file.write(data)


def _bytes(array: np.ndarray) -> memoryview:
    """The elements without a copy; not every dtype of ours lends its memory by itself."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
