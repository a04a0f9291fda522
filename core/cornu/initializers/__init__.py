"""First values of variables, drawn on the host: the same on every backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.initializers.constant import Constant, Identity, Ones, Zeros
from cornu.initializers.initializer import Initializer
from cornu.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from cornu.initializers.spectral import STFT
from cornu.tracing.tensor import Tensor, convert, is_tensor
from cornu.utils.dtypes import resolve_dtype
from cornu.utils.registry import Registry

_CLASSES = (
    Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, Initializer, LecunNormal, LecunUniform, Ones,
    Orthogonal, RandomNormal, RandomUniform, STFT, TruncatedNormal, VarianceScaling, Zeros,
)  # fmt: skip
_REGISTRY = Registry(
    "initializer",
    _CLASSES,
    {
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
        "STFTInitializer": STFT,
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    },
    snake_case=True,
)

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFTInitializer = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros


def get(identifier: Any) -> Any:
    """The initializer meant by a name, config, class, function or array.

    Args:
        identifier: An array stands for itself: it is then the value for exactly its shape. None stays None.

    Raises:
        ValueError: If nothing is found.

    Example:
        >>> get("he_normal").scale
        2.0
    """
    if is_tensor(identifier) or isinstance(identifier, (np.ndarray, np.generic)):
        return _given(identifier)
    return _REGISTRY.get(identifier)


def _given(value: Any) -> Any:
    def initialize(shape: Any, dtype: Any = None) -> Tensor:
        if tuple(shape) != tuple(value.shape):
            raise ValueError(f"Expected `shape` to be {value.shape}, that of the given initial value, got {shape}.")
        return convert(value, resolve_dtype(dtype))

    return initialize


def serialize(initializer: Any) -> Any:
    """A JSON-ready description in Keras's format."""
    return _REGISTRY.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer described by a config."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "STFT", "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "IdentityInitializer",
    "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomInitializer",
    "RandomNormal", "RandomUniform", "STFTInitializer", "TruncatedNormal", "VarianceScaling", "Zeros", "compute_fans",
    "constant", "deserialize", "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity",
    "lecun_normal", "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform", "serialize", "stft",
    "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip
