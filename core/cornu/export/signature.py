"""The inputs of what is exported: shapes, dtypes, names, and which sizes stay open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu import tree
from cornu.ir.dim import DimLike, symbol
from cornu.ir.types import TensorType
from cornu.layers.input_spec import InputSpec
from cornu.ops.keras_tensor import KerasTensor

DynamicShapes = Mapping[str, Mapping[int, str]] | Sequence[Mapping[int, str] | None] | None


def input_placeholders(model: Any, input_signature: Any, dynamic_shapes: DynamicShapes = None) -> Any:
    """A KerasTensor for each input, in the structure that the model is called with.

    Args:
        model: What is exported.
        input_signature: `InputSpec`s or KerasTensors; the model's own inputs if missing.
        dynamic_shapes: The names of sizes that stay open: by input's name, or in the inputs' order, from axis to name.

    Raises:
        ValueError: If the inputs are not known, or a name or an axis does not fit them.
    """
    structure = _structure(model, input_signature)
    leaves = tree.flatten(structure)
    axes = _axes_by_input(dynamic_shapes, [leaf.name for leaf in leaves])
    given = iter([_opened(leaf, axes.get(leaf.name, {})) for leaf in leaves])
    return tree.map_structure(lambda leaf: next(given), structure)


def placeholders(signature: Any) -> Any:
    """KerasTensors in the place of specifications.

    Args:
        signature: A structure of `InputSpec`s with shapes, KerasTensors or types.

    Raises:
        ValueError: If something else is among them.
    """
    return tree.map_structure(_placeholder, signature)


def _structure(model: Any, input_signature: Any) -> Any:
    if input_signature is not None:
        single = isinstance(input_signature, list | tuple) and len(input_signature) == 1
        return placeholders(input_signature[0] if single else input_signature)
    try:
        return model.input
    except AttributeError:
        config = model.get_build_config() if hasattr(model, "get_build_config") else None
    shapes = (config or {}).get("input_shape")
    if shapes is None:
        name = getattr(model, "name", None) or getattr(model, "__name__", "this function")
        raise ValueError(f"The inputs of {name} are not known: call it, build it, or pass `input_signature`.")
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


def _axes_by_input(dynamic_shapes: DynamicShapes, names: Sequence[str]) -> Mapping[str, Mapping[int, str]]:
    if dynamic_shapes is None:
        return {}
    if not isinstance(dynamic_shapes, Mapping):
        if len(dynamic_shapes) != len(names):
            raise ValueError(f"`dynamic_shapes` has {len(dynamic_shapes)} entries for {len(names)} inputs {names}.")
        return {name: axes or {} for name, axes in zip(names, dynamic_shapes, strict=True)}
    unknown = [name for name in dynamic_shapes if name not in names]
    if unknown:
        raise ValueError(f"`dynamic_shapes` names {unknown}, but the inputs are {list(names)}.")
    return dynamic_shapes


def _opened(tensor: KerasTensor, axes: Mapping[int, str]) -> KerasTensor:
    rank = tensor.type.rank
    shape: list[DimLike] = list(tensor.type.shape)
    for axis, name in axes.items():
        if not isinstance(axis, int) or not -rank <= axis < rank:
            raise ValueError(f"`dynamic_shapes`: input {tensor.name!r} has {rank} axes, there is no axis {axis!r}.")
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"`dynamic_shapes`: a size's name is an identifier, got {name!r} for {tensor.name!r}.")
        shape[axis] = symbol(name)
    return KerasTensor(shape, tensor.dtype, name=tensor.name) if axes else tensor
