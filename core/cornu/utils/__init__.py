"""Helpers around models: seeds, labels, sequences, data sets, names, progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cornu.lazy import lazy_names

if TYPE_CHECKING:
    from cornu.random.global_seed import set_random_seed
    from cornu.saving import (
        CustomObjectScope,
        custom_object_scope,
        deserialize_keras_object,
        get_custom_objects,
        get_registered_name,
        get_registered_object,
        register_keras_serializable,
        serialize_keras_object,
    )
    from cornu.training.data import pack_x_y_sample_weight, unpack_x_y_sample_weight
    from cornu.utils.arrays import normalize, pad_sequences, to_categorical
    from cornu.utils.datasets import PyDataset, Sequence, split_dataset
    from cornu.utils.drawing import model_to_dot, plot_model
    from cornu.utils.files import get_file
    from cornu.utils.io_utils import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from cornu.utils.keras_objects import clear_session, get_source_inputs, is_keras_tensor, standardize_dtype
    from cornu.utils.naming import get_uid
    from cornu.utils.progbar import Progbar

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CustomObjectScope": "cornu.saving",
        "Progbar": "cornu.utils.progbar",
        "PyDataset": "cornu.utils.datasets",
        "Sequence": "cornu.utils.datasets",
        "clear_session": "cornu.utils.keras_objects",
        "custom_object_scope": "cornu.saving",
        "deserialize_keras_object": "cornu.saving",
        "disable_interactive_logging": "cornu.utils.io_utils",
        "enable_interactive_logging": "cornu.utils.io_utils",
        "get_custom_objects": "cornu.saving",
        "get_file": "cornu.utils.files",
        "get_registered_name": "cornu.saving",
        "get_registered_object": "cornu.saving",
        "get_source_inputs": "cornu.utils.keras_objects",
        "get_uid": "cornu.utils.naming",
        "is_interactive_logging_enabled": "cornu.utils.io_utils",
        "is_keras_tensor": "cornu.utils.keras_objects",
        "model_to_dot": "cornu.utils.drawing",
        "normalize": "cornu.utils.arrays",
        "pack_x_y_sample_weight": "cornu.training.data",
        "pad_sequences": "cornu.utils.arrays",
        "plot_model": "cornu.utils.drawing",
        "register_keras_serializable": "cornu.saving",
        "serialize_keras_object": "cornu.saving",
        "set_random_seed": "cornu.random.global_seed",
        "split_dataset": "cornu.utils.datasets",
        "standardize_dtype": "cornu.utils.keras_objects",
        "to_categorical": "cornu.utils.arrays",
        "unpack_x_y_sample_weight": "cornu.training.data",
    },
)

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "get_uid",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
