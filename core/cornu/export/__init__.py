"""Exporting models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cornu import tree
from cornu.ir.passes import optimise
from cornu.ir.passes.freeze import freeze
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu.layers.input_spec import InputSpec
from cornu.ops.keras_tensor import KerasTensor
from cornu.saving.atomic import atomic_file
from cornu.tracing.function import TracedFunction, close_trace
from cornu.tracing.tensor import TracedTensor
from cornu.tracing.trace import Trace, recording


def export_model(
    model: Any,
    filepath: Any,
    format: str = "onnx",
    verbose: bool | None = None,
    input_signature: Any = None,
    opset_version: int | None = None,
) -> None:
    """Writes the program that `predict` runs as an ONNX file; a failure leaves an older file as it was.

    Args:
        model: A built model.
        filepath: Where to write.
        format: "onnx".
        verbose: Whether to say where the file is; None is True.
        input_signature: `InputSpec`s or KerasTensors of the inputs; the model's own if missing.
        opset_version: The ONNX opset.

    Raises:
        ValueError: If the format is another, or the model is not built and there is no signature.
    """
    if format != "onnx":
        raise ValueError(f"`format` must be 'onnx', got {format!r}.")
    program, names = inference_program(model, input_signature)
    options = {} if opset_version is None else {"opset": opset_version}
    proto = program.to_onnx(input_names=names[0], output_names=names[1], **options)
    path = Path(filepath)
    with atomic_file(path) as file:
        file.write(proto.SerializeToString(deterministic=True))
    if verbose is None or verbose:
        print(f"Saved artifact at '{path}'.")


def inference_program(model: Any, input_signature: Any = None) -> tuple[Program, tuple[list[str], list[str]]]:
    """The model's `training=False` program with its weights as constants, and the names of its inputs and outputs.

    Raises:
        ValueError: If the model is not built and there is no signature.
    """
    structure = _signature(model, input_signature)
    leaves = tree.flatten(structure)
    trace = Trace(model.name)
    given = iter([TracedTensor(trace.builder.input(leaf.type, leaf.name), trace) for leaf in leaves])
    with recording(trace):
        outputs = model.predict_step((tree.map_structure(lambda leaf: next(given), structure),))
    traced: TracedFunction = close_trace(trace, outputs)
    program = traced.compiled.program
    state = {len(leaves) + i: variable.concrete().numpy() for i, variable in enumerate(traced.reads)}
    names = _unique([leaf.name for leaf in leaves]), _output_names(model, outputs)
    return optimise(freeze(program, state)), names


def _signature(model: Any, input_signature: Any) -> Any:
    if input_signature is not None:
        single = isinstance(input_signature, list) and len(input_signature) == 1
        return tree.map_structure(_placeholder, input_signature[0] if single else input_signature)
    try:
        return model.input
    except AttributeError:
        shapes = (model.get_build_config() or {}).get("input_shape")
    if shapes is None:
        raise ValueError(f"Model {model.name} is not built; call it, build it, or pass `input_signature` to `export`.")
    from cornu.layers.layer import tree_of_shapes

    return tree_of_shapes(shapes, model.compute_dtype)


def _placeholder(spec: Any) -> KerasTensor:
    if isinstance(spec, KerasTensor):
        return spec
    if isinstance(spec, InputSpec) and spec.shape is not None:
        return KerasTensor(spec.shape, spec.dtype or "float32", name=spec.name)
    if isinstance(spec, TensorType):
        return KerasTensor.of(spec)
    raise ValueError(f"`input_signature` holds `InputSpec`s with shapes or KerasTensors, got {spec!r}.")


def _output_names(model: Any, outputs: Any) -> list[str]:
    leaves = tree.flatten(outputs)
    if isinstance(outputs, dict):
        return _unique([str(key) for key in sorted(outputs)])
    try:
        names = list(model.output_names)
    except AttributeError:
        names = [f"output_{i}" for i in range(len(leaves))]
    return _unique(names)


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.append(f"{name}_{count}" if count else name)
    return result
