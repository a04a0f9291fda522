"""Saving and loading: objects as configs, models as files, all in Keras's own formats."""

from cornu.saving.api import load_model, save_model
from cornu.saving.deserialize import deserialize_keras_object
from cornu.saving.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from cornu.saving.scopes import disable_unsafe_deserialization, enable_unsafe_deserialization
from cornu.saving.serialize import serialize_keras_object
from cornu.saving.weights import load_weights, save_weights

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_unsafe_deserialization",
    "enable_unsafe_deserialization",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
