"""Keras's modules and where their contents are in Cornu."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# Modules that exist under Keras's name only → the module of Cornu that holds (at least) their names.
_ELSEWHERE = {
    "backend": "cornu.alias.backend",
    "mixed_precision": "cornu.dtype_policies",
    "preprocessing": "cornu.utils",
    "preprocessing.image": "cornu.utils",
    "preprocessing.sequence": "cornu.utils",
    "optimizers.legacy": "cornu.optimizers",
    "layers.experimental": "cornu.layers",
    "layers.experimental.preprocessing": "cornu.layers",
    "metrics.experimental": "cornu.metrics",
    # Keras 2 spread what is public now over further modules.
    "engine": "cornu.layers",
    "engine.topology": "cornu.layers",
    "engine.base_layer": "cornu.layers",
    "engine.training": "cornu.models",
    "layers.advanced_activations": "cornu.layers",
    "layers.convolutional": "cornu.layers",
    "layers.core": "cornu.layers",
    "layers.embeddings": "cornu.layers",
    "layers.merge": "cornu.layers",
    "layers.noise": "cornu.layers",
    "layers.normalization": "cornu.layers",
    "layers.pooling": "cornu.layers",
    "layers.recurrent": "cornu.layers",
    "layers.wrappers": "cornu.layers",
    "utils.np_utils": "cornu.utils",
    "utils.vis_utils": "cornu.utils",
    "utils.generic_utils": "cornu.utils",
    "utils.data_utils": "cornu.utils",
}

# Names whose module does not give them, or gives something else → module and name in Cornu.
_RENAMED = {
    ("mixed_precision", "Policy"): ("cornu.dtype_policies", "DTypePolicy"),
    ("mixed_precision", "global_policy"): ("cornu.dtype_policies", "dtype_policy"),
    ("mixed_precision", "set_global_policy"): ("cornu.dtype_policies", "set_dtype_policy"),
    ("mixed_precision", "LossScaleOptimizer"): ("cornu.optimizers", "LossScaleOptimizer"),
}

# What `import cornu` has and Keras has not: an alias shows only Keras's names.
_NOT_KERAS = frozenset({"alias", "ir", "plugins", "cli", "composites", "primitives", "tracing", "training", "lazy"})


def is_module(path: str) -> bool:
    """Whether Keras's module of this name, without `keras.`, has a counterpart.

    Args:
        path: Such as `layers` or `datasets.mnist`; empty for `keras` itself.

    Example:
        >>> is_module("datasets.mnist"), is_module("layers.Dense")
        (True, False)
    """
    if path in ("", *_ELSEWHERE):
        return True
    if path.partition(".")[0] in _NOT_KERAS or path.partition(".")[0] in _ELSEWHERE:
        return False
    return _is_public_module(path)


def _is_public_module(path: str) -> bool:
    """A module of Cornu counts as Keras's where its parent lists it: `layers.core` is a file and no public name."""
    parent, _, name = path.rpartition(".")
    if parent and not _is_public_module(parent):
        return False
    try:
        if find_spec(f"cornu.{path}") is None:
            return False
    except ModuleNotFoundError:  # the parent is no package
        return False
    return isinstance(getattr(import_module(f"cornu.{parent}" if parent else "cornu"), name, None), ModuleType) and (
        not parent or name in _public(f"cornu.{parent}")
    )


def _public(module: str) -> list[str]:
    found = import_module(module)
    return list(getattr(found, "__all__", None) or (name for name in dir(found) if not name.startswith("_")))


def _home(path: str) -> str:
    return _ELSEWHERE.get(path) or (f"cornu.{path}" if path else "cornu")


def lookup(path: str, name: str) -> Any:
    """What Keras's module holds under a name.

    Args:
        path: The module without `keras.`.
        name: The name.

    Raises:
        AttributeError: Cornu has no such name there.
    """
    if (path, name) in _RENAMED:
        module, name = _RENAMED[path, name]
        return getattr(import_module(module), name)
    if path == "" and name in ("__version__", "version"):
        return keras_version() if name == "__version__" else keras_version
    if path == "" and name in _NOT_KERAS:
        raise AttributeError(name)
    return getattr(import_module(_home(path)), name)


def listing(path: str) -> list[str]:
    """The names that Keras's module has here.

    Args:
        path: The module without `keras.`.
    """
    renamed = {name for module, name in _RENAMED if module == path}
    below = {entry[len(path) + 1 :] if path else entry for entry in _ELSEWHERE if entry.rpartition(".")[0] == path}
    found = {*_public(_home(path)), *renamed, *below}
    return sorted(found - _NOT_KERAS if path == "" else found)


def exported(path: str) -> list[str]:
    """What `from module import *` takes: the public names, and no modules below that exist under Keras's name only.

    Args:
        path: The module without `keras.`.
    """
    return [
        name for name in listing(path) if not name.startswith("_") and (not path or f"{path}.{name}" not in _ELSEWHERE)
    ]


def keras_version() -> str:
    """The Keras version whose files and names Cornu has, with Cornu's own as the local part.

    Example:
        >>> keras_version()
        '3.13.0+cornu.0.1.0.dev0'
    """
    from cornu import __version__
    from cornu.saving.keras_format import FORMAT_VERSION

    return f"{FORMAT_VERSION}+cornu.{__version__}"
