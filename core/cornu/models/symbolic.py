"""Building models that learn their shapes late."""

from __future__ import annotations

from typing import Any

from cornu import tree
from cornu.layers.layer import tree_of_shapes
from cornu.ops.keras_tensor import KerasTensor, infer_outputs
from cornu.tracing.trace import recording


def build_by_calling(model: Any, input_shape: Any) -> Any:
    """Creates a model's weights by calling it on placeholders of a shape; returns the placeholder outputs."""
    placeholders = tree_of_shapes(_as_tuples(input_shape), model.compute_dtype)
    outputs = call_symbolically(model, placeholders)
    model._build_shapes = {"input_shape": input_shape}
    return outputs


def call_symbolically(model: Any, inputs: Any, training: bool | None = None) -> Any:
    """The placeholder outputs of a model for arrays or placeholders, with every layer inside built."""

    def placeholder(leaf: Any) -> Any:
        if isinstance(leaf, KerasTensor) or leaf is None or not hasattr(leaf, "shape"):
            return leaf
        return KerasTensor((None, *leaf.shape[1:]), str(leaf.dtype))

    spec = tree.map_structure(placeholder, inputs)
    with recording(None):
        outputs = infer_outputs(lambda given: _call(model, given, training), spec)
    model.built = True
    return outputs


def _call(model: Any, inputs: Any, training: bool | None) -> Any:
    return model(inputs) if training is None else model(inputs, training=training)


def _as_tuples(shape: Any) -> Any:
    if isinstance(shape, list) and all(isinstance(size, (int, type(None))) for size in shape):
        return tuple(shape)
    return shape
