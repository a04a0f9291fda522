"""Cornu: a Keras-3-compatible framework whose backends and layers are plugins."""

from __future__ import annotations

from cornu.lazy import lazy_names

__version__ = "0.1.0.dev0"

_MODULES = frozenset(
    {
        "activations",
        "alias",
        "backend",
        "callbacks",
        "config",
        "constraints",
        "datasets",
        "dtype_policies",
        "export",
        "initializers",
        "ir",
        "layers",
        "losses",
        "metrics",
        "mixed_precision",
        "models",
        "ops",
        "optimizers",
        "plugins",
        "random",
        "regularizers",
        "saving",
        "tree",
        "utils",
    }
)
_NAMES = {
    "DTypePolicy": "cornu.dtype_policies",
    "FloatDTypePolicy": "cornu.dtype_policies",
    "Function": "cornu.models.function",
    "GradientTape": "cornu.tracing",
    "Initializer": "cornu.initializers",
    "Input": "cornu.layers",
    "InputSpec": "cornu.layers",
    "KerasTensor": "cornu.ops.keras_tensor",
    "Layer": "cornu.layers",
    "Loss": "cornu.losses",
    "Metric": "cornu.metrics",
    "Model": "cornu.models",
    "Operation": "cornu.ops.operation",
    "Optimizer": "cornu.optimizers",
    "Regularizer": "cornu.regularizers",
    "Sequential": "cornu.models",
    "Variable": "cornu.tracing",
    "function": "cornu.tracing",
    "grad": "cornu.tracing",
    "profile": "cornu.profiling",
    "remat": "cornu.tracing",
    "use_backend": "cornu.config",
    "value_and_grad": "cornu.tracing",
}

__all__ = ["__version__", "version", *sorted(_MODULES | set(_NAMES))]


def version() -> str:
    """The version of Cornu."""
    return __version__


__getattr__, __dir__ = lazy_names(__name__, _NAMES, _MODULES)
