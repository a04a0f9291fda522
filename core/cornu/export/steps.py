"""What can be exported of a model or a function: the prediction, and the training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import tree
from cornu.export.exportable import Exportable, trace
from cornu.export.signature import DynamicShapes, input_placeholders, placeholders
from cornu.layers.layer import Layer
from cornu.ops.keras_tensor import KerasTensor
from cornu.tracing.function import Function
from cornu.tracing.variable import Variable


def prediction(model: Any, input_signature: Any = None, dynamic_shapes: DynamicShapes = None) -> Exportable:
    """The `training=False` program that `predict` runs, or that of a function.

    Args:
        model: A built model or layer, or a `cornu.function`.
        input_signature: The inputs; the model's own if missing.
        dynamic_shapes: The names of sizes that stay open.

    Raises:
        ValueError: If the inputs are not known.
        TypeError: If it is neither a model nor a function.
    """
    if isinstance(model, Function):
        return _function(model, input_signature, dynamic_shapes)
    if not isinstance(model, Layer):
        raise TypeError(f"`export` takes a model, a layer or a `cornu.function`, got {model!r}.")
    structure = input_placeholders(model, input_signature, dynamic_shapes)

    def run(inputs: Any) -> Any:
        step = getattr(model, "predict_step", None)
        return model(inputs) if step is None else step((inputs,))

    return trace(model.name, run, structure, lambda result: _output_names(model, result))


def _function(function: Function, input_signature: Any, dynamic_shapes: DynamicShapes) -> Exportable:
    if input_signature is None:
        raise ValueError("A function has no inputs of its own: pass `input_signature`, one entry for each argument.")
    arguments = placeholders(list(input_signature))
    structure = input_placeholders(function, (arguments,), dynamic_shapes)
    name = getattr(function, "__name__", "function")
    return trace(name, lambda given: function(*given), structure, _names_of)


def train_step(model: Any, input_signature: Any = None, dynamic_shapes: DynamicShapes = None) -> Exportable:
    """One step of training: the batch and the state in; loss, metrics of that batch and the new state out.

    Args:
        model: A built and compiled model.
        input_signature: A pair of inputs and targets, or a triple with sample weights; if missing, the model's own
            inputs, and targets like its outputs (integers without the last axis where the loss is a sparse one).
        dynamic_shapes: The names of sizes that stay open, of the inputs.

    Raises:
        ValueError: If the model is not compiled, or its inputs are not known.
    """
    model._require_compiled("export")
    structure = _batch(model, input_signature, dynamic_shapes)
    if model.optimizer is not None:
        model.optimizer.build(model.trainable_variables)

    def run(data: Any) -> Any:
        for metric in model.metrics:
            metric.reset_state()  # so that the results are this batch's own
        logs: dict[str, Any] = model.train_step(tuple(data))
        return logs

    name, tracked = f"{model.name}_train_step", _metric_variables(model)
    step = trace(name, run, structure, _names_of, ignored=tracked)
    if len(_metric_variables(model)) == len(tracked):
        return step
    # Metrics make their variables when they first see outputs; only now can they be reset before a step.
    return trace(name, run, structure, _names_of, ignored=_metric_variables(model))


def _metric_variables(model: Any) -> list[Variable]:
    return [variable for metric in model.metrics for variable in metric.variables]


def _batch(model: Any, signature: Any, dynamic_shapes: DynamicShapes) -> tuple[Any, ...]:
    if signature is None:
        inputs = input_placeholders(model, None, dynamic_shapes)
        return inputs, _targets(model)
    if not isinstance(signature, tuple) or len(signature) not in (2, 3):
        raise ValueError("`input_signature` of a train step is a tuple of inputs and targets, or with sample weights.")
    inputs = input_placeholders(model, [signature[0]], dynamic_shapes)
    return inputs, *(placeholders(part) for part in signature[1:])


def _targets(model: Any) -> Any:
    outputs = model.output
    losses = iter(_losses(model, len(tree.flatten(outputs))))
    several = isinstance(outputs, list | tuple | dict)

    def target(output: KerasTensor) -> KerasTensor:
        name = f"{output.name}_target" if several else "target"
        if "sparse" in next(losses).lower():
            return KerasTensor(output.type.shape[:-1], "int32", name=name)
        return KerasTensor(output.type.shape, output.dtype, name=name)

    return tree.map_structure(target, outputs)


def _losses(model: Any, count: int) -> list[str]:
    losses = [getattr(loss, "name", None) or getattr(loss, "__name__", None) or str(loss) for loss in _flat(model.loss)]
    return losses * count if len(losses) == 1 else (losses + [""] * count)[:count]


def _flat(loss: Any) -> list[Any]:
    return tree.flatten(loss) if isinstance(loss, list | tuple | dict) else [loss]


def _output_names(model: Any, outputs: Any) -> Sequence[str]:
    if isinstance(outputs, dict):
        return _names_of(outputs)
    try:
        names: list[str] = list(model.output_names)
    except AttributeError:
        return _names_of(outputs)
    return names if len(names) == len(tree.flatten(outputs)) else _names_of(outputs)


def _names_of(outputs: Any) -> Sequence[str]:
    if isinstance(outputs, dict):
        return [str(key) for key in sorted(outputs)]
    count = len(tree.flatten(outputs))
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]
