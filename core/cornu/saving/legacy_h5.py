"""The legacy `.h5` format: one HDF5 file with the config in attributes and the weights by layer name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.saving.archive import parse_json
from cornu.saving.atomic import atomic_file
from cornu.saving.deserialize import deserialize_keras_object
from cornu.saving.hdf5 import H5Reader, written_to
from cornu.saving.keras_format import FORMAT_VERSION
from cornu.saving.legacy_config import downgrade_model, upgrade_model
from cornu.saving.legacy_training import downgrade_training, upgrade_training
from cornu.saving.legacy_weights import read_arrays, read_weights, write_variables, write_weights
from cornu.saving.registry import CustomObjectScope
from cornu.saving.scopes import SafeModeScope
from cornu.saving.serialize import serialize_keras_object
from cornu.saving.state import restore_unbuilt

OPTIMIZER_GROUP = "optimizer_weights"


def save_h5(model: Any, path: Path, include_optimizer: bool = True) -> None:
    """Saves a model as one HDF5 file, whole or not at all.

    Args:
        model: A built model.
        path: Where.
        include_optimizer: Whether how it was compiled, and the optimizer's state, are saved.

    Raises:
        ValueError: If the model is not built, or its weights have no distinct paths.
    """
    from cornu.backend.config import backend

    if not model.built:
        raise ValueError(f"Cannot save model '{model.name}' as .h5: it is not built, so it has no weights yet.")
    config = serialize_keras_object(model)
    optimizer = getattr(model, "optimizer", None) if include_optimizer else None
    with atomic_file(path) as file, written_to(file) as writer:
        root = writer.root
        root.attrs["keras_version"] = FORMAT_VERSION
        root.attrs["backend"] = backend()
        root.attrs["model_config"] = json.dumps(downgrade_model(config))
        if optimizer is not None and config.get("compile_config"):
            root.attrs["training_config"] = json.dumps(downgrade_training(config["compile_config"]))
        write_weights(writer, writer.group("model_weights"), model, backend(), FORMAT_VERSION)
        if optimizer is not None and optimizer.variables:
            write_variables(writer, writer.group(OPTIMIZER_GROUP), optimizer.variables)


def load_h5(path: Path, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool) -> Any:
    """Reads a model from a file of `save_h5`, of Keras 3 or of Keras 2.

    Raises:
        ValueError: If the file holds weights only, or does not fit its config.
    """
    with H5Reader(path) as reader, CustomObjectScope(custom_objects), SafeModeScope(safe_mode):
        text = reader.text("model_config")
        if text is None:
            raise ValueError(f"{path} has no model config: it holds weights only. Use `model.load_weights`.")
        config = upgrade_model(_plain_tuples(parse_json(text, f"{path}: model_config")), custom_objects)
        model = deserialize_keras_object(config, custom_objects)
        weights = reader.group("model_weights")
        if weights is None:
            raise ValueError(f"{path} has no group 'model_weights'.")
        read_weights(reader, weights, model)
        if compile:
            _compile(reader, model, custom_objects)
    return model


def _compile(reader: H5Reader, model: Any, custom_objects: Mapping[str, Any] | None) -> None:
    text = reader.text("training_config")
    if text is None:
        return
    training = _plain_tuples(parse_json(text, f"{reader.name}: training_config"))
    model.compile_from_config(upgrade_training(training, custom_objects))
    group = reader.group(OPTIMIZER_GROUP)
    if group is None or model.optimizer is None:
        return
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    arrays = read_arrays(reader, group)
    if restore_unbuilt(model.optimizer, {str(number): array for number, array in enumerate(arrays)}):
        return
    variables = list(model.optimizer.variables)
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
        warnings.warn(
            f"{reader.name}: the optimizer's state was saved by another version and does not fit "
            f"({len(arrays)} arrays, {model.optimizer.name} has {len(variables)}); it starts afresh.",
            stacklevel=4,
        )
        return
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(np.asarray(array))


def _plain_tuples(config: Any) -> Any:
    """Keras 2 marked tuples in JSON; lists say the same."""
    if isinstance(config, dict):
        if config.get("class_name") == "__tuple__" and "items" in config:
            return [_plain_tuples(item) for item in config["items"]]
        return {key: _plain_tuples(value) for key, value in config.items()}
    if isinstance(config, list):
        return [_plain_tuples(item) for item in config]
    return config
