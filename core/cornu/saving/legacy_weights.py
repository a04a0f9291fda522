"""The weights part of legacy HDF5 files: one group per layer, found by order or by name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.saving.hdf5 import H5Reader, H5Writer

TOP_LEVEL = "top_level_model_weights"


def layer_weights(layer: Any) -> list[Any]:
    """A layer's weights in the order of these files: trainable ones first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def top_level_weights(model: Any) -> list[Any]:
    """The weights that belong to the model itself rather than to a layer of it."""
    return [*model._trainable_variables, *model._non_trainable_variables]


# -- writing -----------------------------------------------------------------------------------------------------


def write_weights(writer: H5Writer, group: Any, model: Any, backend: str, version: str) -> None:
    """Writes all weights of a model below a group."""
    names = [str(layer.name) for layer in model.layers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"The .h5 format stores layers by name, and '{model.name}' has several of the name {', '.join(twice)}. "
            "Give them different names, or save as `.keras`."
        )
    writer.strings(group, "layer_names", names)
    group.attrs["backend"] = backend
    group.attrs["keras_version"] = version
    for layer in sorted(model.layers, key=lambda layer: str(layer.name)):
        write_variables(writer, writer.group(layer.name, group), layer_weights(layer))
    write_variables(writer, writer.group(TOP_LEVEL, group), top_level_weights(model))


def write_variables(writer: H5Writer, group: Any, variables: Sequence[Any]) -> None:
    """Writes variables by their paths, and the list of the paths in order."""
    paths = _distinct([str(variable.path) for variable in variables])
    writer.strings(group, "weight_names", paths)
    for path, variable in zip(paths, variables, strict=True):
        *folders, name = path.split("/")
        writer.array(writer.group("/".join(folders), group), name, np.asarray(variable))


def _distinct(paths: list[str]) -> list[str]:
    """Paths with numbers where one occurs again; readers go by the order of the list, not by the names."""
    taken: dict[str, None] = {}
    for path in paths:
        candidates = (f"{path}_{number}" if number else path for number in range(len(paths)))
        taken[next(candidate for candidate in candidates if candidate not in taken)] = None
    return list(taken)


# -- reading -----------------------------------------------------------------------------------------------------


def read_arrays(reader: H5Reader, group: Any) -> list[np.ndarray]:
    """The arrays of a group in the order of its `weight_names`."""
    return [reader.array(group, name) for name in reader.strings(group, "weight_names")]


def read_weights(reader: H5Reader, group: Any, model: Any, skip_mismatch: bool = False) -> None:
    """Fills a model's layers in order.

    Raises:
        ValueError: If the number of layers with weights, or of weights of a layer, or a shape differs.
    """
    layers = [layer for layer in model.layers if layer_weights(layer)]
    names = [name for name in reader.strings(group, "layer_names") if _weight_names(reader, group, name)]
    if len(names) != len(layers):
        raise ValueError(
            f"Layer count mismatch: the model has {len(layers)} layers with weights "
            f"({', '.join(layer.name for layer in layers) or 'none'}), {reader.name} has {len(names)} "
            f"({', '.join(names) or 'none'})."
        )
    for layer, name in zip(layers, names, strict=True):
        arrays = read_arrays(reader, reader.group(name, group))
        _assign(f"layer '{layer.name}' (saved as '{name}')", layer_weights(layer), arrays, skip_mismatch)
    _read_top_level(reader, group, model, skip_mismatch)


def read_weights_by_name(reader: H5Reader, group: Any, model: Any, skip_mismatch: bool = False) -> None:
    """Fills the layers whose names the file has; the others stay as they are.

    Raises:
        ValueError: If the number of weights of a layer, or a shape differs.
    """
    for name in reader.strings(group, "layer_names"):
        arrays = read_arrays(reader, _existing(reader, group, name))
        for layer in model.layers:
            if layer.name == name:
                _assign(f"layer '{name}'", layer_weights(layer), arrays, skip_mismatch)
    _read_top_level(reader, group, model, skip_mismatch)


def _weight_names(reader: H5Reader, group: Any, name: str) -> list[str]:
    return reader.strings(_existing(reader, group, name), "weight_names")


def _existing(reader: H5Reader, group: Any, name: str) -> Any:
    found = reader.group(name, group)
    if found is None:
        raise ValueError(f"{reader.name} lists layer {name!r} but has no group for it.")
    return found


def _read_top_level(reader: H5Reader, group: Any, model: Any, skip_mismatch: bool) -> None:
    found = reader.group(TOP_LEVEL, group)
    if found is not None:
        own = top_level_weights(model)
        _assign(f"the top level of '{model.name}'", own, read_arrays(reader, found), skip_mismatch)


def _assign(where: str, variables: list[Any], arrays: list[np.ndarray], skip_mismatch: bool) -> None:
    problem = _mismatch(variables, arrays)
    if problem is None:
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
    elif skip_mismatch:
        warnings.warn(f"Skipped {where}: {problem}", stacklevel=4)
    else:
        raise ValueError(f"Cannot load {where}: {problem}")


def _mismatch(variables: list[Any], arrays: list[np.ndarray]) -> str | None:
    if len(variables) != len(arrays):
        return f"it has {len(variables)} weights, the file {len(arrays)}."
    for variable, array in zip(variables, arrays, strict=True):
        if tuple(variable.shape) != array.shape:
            return f"variable {variable.path} has shape {tuple(variable.shape)}, the file's has shape {array.shape}."
    return None
