"""From objects to configs: nested dicts that JSON can hold, in Keras 3's form."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import EllipsisType, FunctionType
from typing import Any

import numpy as np

from cornu.saving.functions import dump_function
from cornu.saving.names import keras_name
from cornu.saving.registry import get_registered_name, is_registered
from cornu.saving.scopes import note_written

PLAIN = (str, int, float, bool)


def serialize_keras_object(obj: Any) -> Any:
    """A JSON-ready description from which `deserialize_keras_object` makes an equal object.

    An object with `get_config()` becomes `{"module", "class_name", "config", "registered_name"}`, and
    `"build_config"`, `"compile_config"` where it has them; Cornu's own classes are written under Keras's names.

    Args:
        obj: An object with `get_config()`, a function, a tensor, an array, a plain value, or a structure of these.

    Raises:
        TypeError: If there is no way to describe it.

    Example:
        >>> from cornu.initializers import Zeros
        >>> serialize_keras_object(Zeros())
        {'module': 'keras.initializers', 'class_name': 'Zeros', 'config': {}, 'registered_name': None}
    """
    if obj is None or type(obj) in PLAIN:
        return obj
    if isinstance(obj, (list, tuple)):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
        return serialize_dict(obj)
    special = _serialize_value(obj)
    if special is not None:
        return special
    if isinstance(obj, (*PLAIN, np.generic)) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item() if isinstance(obj, (np.generic, np.ndarray)) else obj
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, FunctionType):
        return _serialize_function(obj)
    return _serialize_object(obj)


def serialize_dict(obj: Mapping[Any, Any]) -> dict[Any, Any]:
    """A mapping with each value serialised."""
    return {key: serialize_keras_object(value) for key, value in obj.items()}


def _serialize_value(obj: Any) -> Any:
    """Values that are no objects with a config, by class name in double underscores; None for anything else."""
    from cornu.ops.keras_tensor import KerasTensor
    from cornu.tracing.tensor import Tensor

    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {name: serialize_keras_object(getattr(obj, name)) for name in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if isinstance(obj, EllipsisType):
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        return {"class_name": "__keras_tensor__", "config": _keras_tensor_config(obj)}
    if isinstance(obj, Tensor):
        return {"class_name": "__tensor__", "config": _array_config(np.asarray(obj), obj.dtype)}
    if isinstance(obj, np.ndarray) and obj.ndim > 0:
        return {"class_name": "__numpy__", "config": _array_config(obj, obj.dtype.name)}
    return None


def _keras_tensor_config(tensor: Any) -> dict[str, Any]:
    history = tensor._keras_history
    if history is not None:
        history = [history[0].name, history[1], history[2]]
    return {"shape": tensor.shape, "dtype": tensor.dtype, "keras_history": history}


def _array_config(array: np.ndarray, dtype: str) -> dict[str, Any]:
    return {"value": array.tolist(), "dtype": dtype}


def _serialize_function(function: FunctionType) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        warnings.warn(
            "A lambda is being saved as byte code. Loading it needs `safe_mode=False` and the same Python version; "
            "a named function under `@register_keras_serializable()` has neither limit.",
            stacklevel=3,
        )
        return {"class_name": "__lambda__", "config": {"value": dump_function(function)}}
    return {
        "module": "builtins",
        "class_name": "function",
        "config": get_registered_name(function),
        "registered_name": "function",
    }


def _serialize_object(obj: Any) -> dict[str, Any]:
    if isinstance(obj, type) or not hasattr(obj, "get_config"):
        raise TypeError(f"Cannot serialize {obj!r} of type {type(obj).__name__}: it has no get_config() method.")
    inner = obj.get_config()
    if not isinstance(inner, dict):
        raise TypeError(f"{type(obj).__name__}.get_config() must return a dict, got {type(inner).__name__}.")
    config = {**_identity(type(obj)), "config": serialize_dict(inner)}
    config["registered_name"] = config.pop("registered_name")  # Keras's order of keys
    for key, method in (("build_config", "get_build_config"), ("compile_config", "get_compile_config")):
        described = getattr(obj, method)() if hasattr(obj, method) else None
        if described is not None:
            config[key] = serialize_dict(described)
    note_written(obj, config)
    return config


def _identity(cls: type) -> dict[str, Any]:
    """The module, class name and registered name under which a class is written."""
    public = None if is_registered(cls) else keras_name(cls)
    if public is None:
        module = None if cls.__module__ == "__main__" else cls.__module__
        public = module, cls.__name__, get_registered_name(cls)  # type: ignore[assignment]
    assert public is not None
    return {"module": public[0], "class_name": public[1], "registered_name": public[2]}
