"""From configs back to objects. Only names that are built in, registered or handed in can be made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from cornu.saving.functions import load_function
from cornu.saving.names import find_class, find_function
from cornu.saving.registry import CustomObjectScope, get_registered_object
from cornu.saving.scopes import SafeModeScope, in_safe_mode, note_read, shared_object
from cornu.saving.serialize import PLAIN

Custom = Mapping[str, Any]


def deserialize_keras_object(
    config: Any,
    custom_objects: Custom | None = None,
    safe_mode: bool = True,
    module_objects: Custom | None = None,
) -> Any:
    """The object described by a config of `serialize_keras_object`, or by a file that Keras 3 wrote.

    Args:
        config: The description; a structure of descriptions gives a structure of objects.
        custom_objects: Classes and functions of yours that it names.
        safe_mode: Whether to refuse code stored in the config (lambdas).
        module_objects: Objects that a plain name may mean, by name.

    Raises:
        TypeError: If a name is unknown, or the config does not fit its class.
        ValueError: If it holds a lambda and `safe_mode` is on.

    Example:
        >>> deserialize_keras_object({"module": "keras.initializers", "class_name": "Constant",
        ...                           "config": {"value": 2.0}, "registered_name": None}).value
        2.0
    """
    safe_mode = in_safe_mode(safe_mode)
    custom = custom_objects or {}
    if isinstance(config, str):
        return _named(config, custom, module_objects)
    if config is None or isinstance(config, PLAIN):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(item, custom, safe_mode) for item in config]
    if not isinstance(config, Mapping):
        raise TypeError(f"Could not read the config {config!r}: expected a dict, list or plain value.")
    if "class_name" not in config or "config" not in config:
        if config.get("class_name") == "__tuple__":
            return tuple(deserialize_keras_object(item, custom, safe_mode) for item in config["items"])
        return {key: deserialize_keras_object(value, custom, safe_mode) for key, value in config.items()}
    name = config["class_name"]
    if name in _VALUES:
        return _VALUES[name](config["config"], custom, safe_mode)
    if name == "function":
        return _read_function(config, custom, module_objects)
    return _read_object(config, custom, safe_mode, module_objects)


def _named(name: str, custom: Custom, module_objects: Custom | None) -> Any:
    found = get_registered_object(name, custom, module_objects)
    if found is None:
        return name
    if module_objects is not None and inspect.isclass(found) and hasattr(found, "from_config"):
        return found.from_config({})
    return found


# -- values ------------------------------------------------------------------------------------------------------


def _read_lambda(config: Any, custom: Custom, safe_mode: bool) -> FunctionType:
    if safe_mode:
        raise ValueError(
            "The config holds a lambda: code that would run on this machine. If you trust where it comes from, "
            "load it with `safe_mode=False`."
        )
    return load_function(config.get("value", config))


def _read_keras_tensor(config: Any, custom: Custom, safe_mode: bool) -> Any:
    from cornu.ops.keras_tensor import KerasTensor

    tensor = KerasTensor(config["shape"], dtype=config["dtype"])
    tensor._pre_serialization_keras_history = config["keras_history"]  # type: ignore[attr-defined]
    return tensor


def _read_tensor(config: Any, custom: Custom, safe_mode: bool) -> Any:
    from cornu.tracing.tensor import convert

    return convert(np.array(config["value"], dtype=_numpy_dtype(config["dtype"])))


def _read_array(config: Any, custom: Custom, safe_mode: bool) -> np.ndarray:
    return np.array(config["value"], dtype=_numpy_dtype(config["dtype"]))


def _numpy_dtype(name: str) -> Any:
    from cornu.ir.types import numpy_dtype

    return numpy_dtype(name)


def _read_slice(config: Any, custom: Custom, safe_mode: bool) -> slice:
    return slice(*(deserialize_keras_object(config[part], custom, safe_mode) for part in ("start", "stop", "step")))


def _refuse_typespec(config: Any, custom: Custom, safe_mode: bool) -> Any:
    raise TypeError(f"The config holds a TensorFlow type specification, which needs TensorFlow to read: {config!r}.")


_VALUES: dict[str, Callable[[Any, Custom, bool], Any]] = {
    "__lambda__": _read_lambda,
    "__keras_tensor__": _read_keras_tensor,
    "__tensor__": _read_tensor,
    "__numpy__": _read_array,
    "__slice__": _read_slice,
    "__typespec__": _refuse_typespec,
    "__bytes__": lambda config, custom, safe_mode: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config, custom, safe_mode: Ellipsis,
}


# -- functions and objects ---------------------------------------------------------------------------------------


def _read_function(config: Mapping[str, Any], custom: Custom, module_objects: Custom | None) -> Any:
    name = config["config"]
    if not isinstance(name, str):
        raise TypeError(f"The config of a function must be its name, got {name!r} in {_short(config)}.")
    found = get_registered_object(name, custom, module_objects)
    if found is None:
        found = find_function(config.get("module"), name)
    if found is None and ">" not in name:  # Keras up to 3.6 wrote registered functions without their package
        packaged = (entry for key, entry in _all_custom(custom).items() if key.endswith(f">{name}"))
        found = next(packaged, None)
    if found is None:
        raise _unknown("function", name, config)
    return found


def _all_custom(custom: Custom) -> dict[str, Any]:
    from cornu.saving.registry import _OBJECTS, _SCOPE

    return {**custom, **_OBJECTS, **(_SCOPE.get() or {})}


def _read_object(config: Mapping[str, Any], custom: Custom, safe_mode: bool, module_objects: Custom | None) -> Any:
    inner = config["config"] if config["config"] is not None else {}
    name = config["class_name"]
    if not isinstance(inner, dict):
        raise TypeError(f"The config of {name} must be a dict, got {type(inner).__name__}: {_short(config)}.")
    number = config.get("shared_object_id")
    known = shared_object(number) if number is not None else None
    if known is not None:
        return known
    cls = _retrieve(config, custom, module_objects)
    if isinstance(cls, FunctionType):
        return cls
    if not hasattr(cls, "from_config"):
        raise TypeError(f"Cannot make a {name}: its class has no from_config() method. Config: {_short(config)}.")
    with CustomObjectScope(custom), SafeModeScope(safe_mode):
        instance = _make(cls, inner, name)
        if config.get("build_config") and not instance.built:
            instance.build_from_config(config["build_config"])
            instance.built = True
        if config.get("compile_config"):
            instance.compile_from_config(config["compile_config"])
    if number is not None:
        note_read(instance, number)
    return instance


def _make(cls: Any, inner: dict[str, Any], name: str) -> Any:
    try:
        return cls.from_config(dict(inner))
    except TypeError as error:
        raise TypeError(
            f"{name} could not be made from its config: {error} If get_config() returns objects, from_config() must "
            f"deserialize them. Config: {_short(inner)}."
        ) from error


def _retrieve(config: Mapping[str, Any], custom: Custom, module_objects: Custom | None) -> Any:
    name = config["class_name"]
    module = config.get("module")
    registered = config.get("registered_name", name)
    found = get_registered_object(registered, custom, module_objects)
    if found is None and registered is not None and registered != name:
        found = get_registered_object(name, custom)
    if found is None and isinstance(module, str):
        found = find_class(module, name)
        if found is not None and registered not in (None, name):
            raise ValueError(
                f"The config of the built-in class {name} gives the registered name {registered!r}; "
                f"built-in classes have none. Config: {_short(config)}."
            )
    if found is None and module is None:
        found = get_registered_object(name, custom, module_objects)
    if found is None:
        raise _unknown("class", name, config)
    return found


def _short(config: Any) -> str:
    """A config as text, without the end of a long one."""
    text = str(dict(config))
    return text if len(text) <= 400 else f"{text[:400]} ..."


def _unknown(kind: str, name: str, config: Mapping[str, Any]) -> TypeError:
    from cornu.plugins import explain

    registered = name if kind == "function" else config.get("registered_name")
    return TypeError(
        f"Unknown {kind} {name!r} of module {config.get('module')!r}.{explain(registered, config.get('module'))} "
        f"If it is yours, decorate it with "
        f"`@register_keras_serializable()` in a module that is imported before loading, or pass it in "
        f"`custom_objects`. Config: {_short(config)}."
    )
