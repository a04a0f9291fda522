"""Dtype policies: in which dtype a layer computes and in which it keeps its weights."""

from __future__ import annotations

from typing import Any

from cornu.backend import config
from cornu.ir.types import numpy_dtype

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """A pair of dtypes, `compute_dtype` and `variable_dtype`.

    Args:
        name: A dtype, for both; or "mixed_float16" / "mixed_bfloat16": compute in 16 bits, keep weights in float32.

    Raises:
        ValueError: If the name is neither.

    Example:
        >>> DTypePolicy("mixed_bfloat16").compute_dtype
        'bfloat16'
    """

    def __init__(self, name: str | None = None) -> None:
        name = name or config.floatx()
        if not isinstance(name, str):
            raise TypeError(f"DTypePolicy: `name` must be a string such as 'float32' or 'mixed_float16', got {name!r}.")
        if name not in _MIXED:
            try:
                numpy_dtype(name)
            except TypeError as error:
                raise ValueError(f"DTypePolicy: {error} Or one of {', '.join(_MIXED)}.") from None
        self._name = name

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of inputs and intermediate results."""
        return _MIXED.get(self._name, self._name)

    @property
    def variable_dtype(self) -> str:
        """The dtype of weights."""
        return "float32" if self._name in _MIXED else self._name

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this policy again."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """Makes a policy of `get_config`'s result."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


class FloatDTypePolicy(DTypePolicy):
    """Keras's older name for a policy of floats."""


_GLOBAL: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none."""
    return _GLOBAL[0] if _GLOBAL else DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers made from now on; None restores the configured float type."""
    _GLOBAL[:] = [] if policy is None else [get(policy)]


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, name, dtype or config; None is the global one.

    Raises:
        ValueError: If it is none of these.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy(**identifier.get("config", identifier))
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    from cornu.utils.dtypes import resolve_dtype

    return DTypePolicy(resolve_dtype(identifier))


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """A policy as a config."""
    from cornu.saving import serialize_keras_object

    result: dict[str, Any] = serialize_keras_object(dtype_policy)
    return result


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """A policy from a config."""
    return get(config)
