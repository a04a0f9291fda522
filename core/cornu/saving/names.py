"""Keras's public names for Cornu's classes and functions, and back.

Files name a class by module and class name, as Keras spells them: `keras.layers` and `Dense`. Only the modules listed
here can be reached from a file, and in them only what can be part of a model.
"""

from __future__ import annotations

import importlib
import inspect
from types import FunctionType
from typing import Any

# Keras's public module → the module here whose attributes carry the same names.
PUBLIC = {
    "keras.layers": "cornu.layers",
    "keras.models": "cornu.models",
    "keras.losses": "cornu.losses",
    "keras.metrics": "cornu.metrics",
    "keras.optimizers.schedules": "cornu.optimizers.schedules",
    "keras.optimizers": "cornu.optimizers",
    "keras.initializers": "cornu.initializers",
    "keras.regularizers": "cornu.regularizers",
    "keras.constraints": "cornu.constraints",
    "keras.activations": "cornu.activations",
    "keras.dtype_policies": "cornu.dtype_policies",
    "keras.random": "cornu.random",
    "keras.callbacks": "cornu.callbacks",
    "keras.quantizers": "cornu.quantizers",
    "keras.ops": "cornu.ops",
}

# What Keras exports under `keras` itself as its canonical name → where it lives here.
ROOT = {
    "Model": "cornu.models",
    "Sequential": "cornu.models",
    "Layer": "cornu.layers",
    "InputSpec": "cornu.layers",
    "Loss": "cornu.losses",
    "Metric": "cornu.metrics",
    "Optimizer": "cornu.optimizers",
    "Initializer": "cornu.initializers",
    "Regularizer": "cornu.regularizers",
    "DTypePolicy": "cornu.dtype_policies",
    "FloatDTypePolicy": "cornu.dtype_policies",
    "Quantizer": "cornu.quantizers",
}

# What Keras exports under another name than the class's own.
RENAMED = {"GroupedQueryAttention": "GroupQueryAttention"}

FUNCTIONAL_MODULE = "keras.src.models.functional"
OPERATION_MODULE = "keras.src.ops."

# Where a function that a file knows only by its name may come from, in Keras's order.
FUNCTION_MODULES = ("activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers")


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            return None
        raise


def keras_name(cls: type) -> tuple[str, str, str | None] | None:
    """How Keras names a class of Cornu: module, class name, registered name; None for anybody else's class.

    Example:
        >>> from cornu.initializers import Zeros
        >>> keras_name(Zeros)
        ('keras.initializers', 'Zeros', None)
    """
    home = cls.__module__
    name = RENAMED.get(cls.__name__, cls.__name__)
    if home.split(".")[0] != "cornu":
        return None
    operation = getattr(cls, "module", None)
    if isinstance(operation, str) and hasattr(cls, "function"):
        return OPERATION_MODULE + operation, name, name
    if name == "Functional":
        return FUNCTIONAL_MODULE, name, name
    if name in ROOT and getattr(_import(ROOT[name]), name, None) is cls:
        return "keras", name, None
    # The longest public module that the class's own module lies in comes first.
    for public, module in sorted(PUBLIC.items(), key=lambda pair: -_common(pair[1], home)):
        if _common(module, home) < 2:
            break
        if getattr(_import(module), name, None) is cls:
            return public, name, None
    return None


def _common(module: str, home: str) -> int:
    parts = module.split(".")
    return len(parts) if home.split(".")[: len(parts)] == parts else 0


def find_class(module: str, name: str) -> type | None:
    """The class of Cornu that a file's module and class name mean, or None.

    Args:
        module: A Keras module, public (`keras.layers`) or internal (`keras.src.layers.core.dense`).
        name: The class name.
    """
    parts = module.split(".")
    if parts[0] not in ("keras", "tf_keras"):
        return None
    if module.startswith(OPERATION_MODULE):
        return _find_operation(name)
    if module in PUBLIC:
        return _class(PUBLIC[module], name)
    if module == "keras":
        return _class(ROOT[name], name) if name in ROOT else None
    if name in ("Functional", "Sequential", "Model") and parts[-1] in ("functional", "sequential", "model", "training"):
        return _class("cornu.models", name)
    for part in parts[1:]:
        found = _class(PUBLIC.get(f"keras.{part}", ""), name)
        if found is None and part == "optimizers":
            found = _class("cornu.optimizers.schedules", name)
        if found is not None:
            return found
    return None


def _class(module: str, name: str) -> type | None:
    found = getattr(_import(module), name, None) if module else None
    return found if inspect.isclass(found) and hasattr(found, "from_config") else None


def _find_operation(name: str) -> type | None:
    from cornu.ops.operation import find_operation

    _import("cornu.ops")  # its functions register their operations
    try:
        return find_operation(name)
    except KeyError:
        return None


def find_function(module: str | None, name: str) -> Any:
    """The function or class of Cornu that a file's module and function name mean, or None.

    Args:
        module: A Keras module, or `builtins`, as Keras writes for every function.
        name: The function's name.
    """
    if module in PUBLIC:
        return _function(PUBLIC[module], name)
    parts = (module or "").split(".")
    if parts[0] == "keras":
        places = [part for part in parts[1:] if f"keras.{part}" in PUBLIC]
    elif module in (None, "builtins"):
        places = list(FUNCTION_MODULES)
    else:
        places = []
    found = (_function(PUBLIC[f"keras.{place}"], name) for place in places)
    return next((function for function in found if function is not None), None)


# Reachable by name in those modules, yet no part of a model.
_NOT_MODELLING = frozenset({"get", "serialize", "deserialize", "load_model", "save_model", "model_from_json"})


def _function(module: str, name: str) -> Any:
    if name in _NOT_MODELLING or name.startswith("_"):
        return None
    found = getattr(_import(module), name, None)
    home = str(getattr(found, "__module__", "") or "")
    usable = isinstance(found, FunctionType) or (inspect.isclass(found) and hasattr(found, "from_config"))
    return found if usable and home.split(".")[0] == "cornu" else None


def find_anywhere(name: str) -> tuple[str, type] | None:
    """Keras's public module and Cornu's class for a class name without a module, as old files have it."""
    for public, module in PUBLIC.items():
        found = _class(module, name)
        if found is not None:
            return public, found
    return None
