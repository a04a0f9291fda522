"""Activation functions, and finding them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cornu.activations.activations import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from cornu.utils.registry import Registry

_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh, leaky_relu, linear,
    log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus, softsign,
    sparse_plus, sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold,
)  # fmt: skip

swish = silu
hard_swish = hard_silu
_REGISTRY = Registry("activation", _FUNCTIONS, {"swish": silu, "hard_swish": hard_silu})


def get(identifier: Any) -> Any:
    """The activation meant by a name, config, function or layer; None is `linear`.

    Raises:
        ValueError: If nothing is found.

    Example:
        >>> get("relu") is relu
        True
    """
    return linear if identifier is None else _REGISTRY.get(identifier)


def serialize(activation: Any) -> Any:
    """The name of a built-in function, else a config in Keras's format.

    Example:
        >>> serialize(relu)
        'relu'
    """
    if activation in _FUNCTIONS:
        return activation.__name__
    return _REGISTRY.serialize(activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The activation described by a name or config."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "serialize", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip
