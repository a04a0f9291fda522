"""What a primitive is, and the one registry of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cornu.ir.program import Node, Value
from cornu.ir.types import TensorType

if TYPE_CHECKING:
    from cornu.ir.builder import Builder

InferRule = Callable[..., TensorType | tuple[TensorType, ...]]
Kernel = Callable[..., Any]
VjpRule = Callable[..., Sequence[Value | None]]
DecomposeRule = Callable[["Builder", Node], Sequence[Value] | None]


@dataclass(frozen=True)
class Primitive:
    """One operator: its name and everything that the core knows of it.

    Args:
        name: ONNX's name of the operator where ONNX has it.
        infer: The shape rule `(*types, **attributes) -> type or types`; raises `TypeError` or `ValueError`.
        kernel: The reference kernel `(*arrays, **attributes) -> array or arrays`, with every `Dim` bound to an integer.
        vjp: The gradient rule `(builder, node, *cotangents) -> a cotangent or None per input`; None where the operator
            has no derivative (its outputs are then constants for differentiation).
        decompose: The same operation in other primitives, for backends that lack this one; None for a basic one. The
            rule gives None for a node that it has no form for.
        pure: False where two equal nodes are not one (barriers).
        partly: True where `decompose` has a form for some nodes only: a backend needs the primitive all the same.
    """

    name: str
    infer: InferRule
    kernel: Kernel
    vjp: VjpRule | None = None
    decompose: DecomposeRule | None = None
    pure: bool = True
    partly: bool = False

    @property
    def required(self) -> bool:
        """Whether every backend must have it, as it cannot be made of others."""
        return self.decompose is None or self.partly


_REGISTRY: dict[str, Primitive] = {}


def register(primitive: Primitive) -> Primitive:
    """Adds a primitive to the registry.

    Raises:
        ValueError: If the name is taken.
    """
    if primitive.name in _REGISTRY:
        raise ValueError(f"There is a primitive {primitive.name!r} already.")
    _REGISTRY[primitive.name] = primitive
    return primitive


def lookup(name: str) -> Primitive:
    """The primitive of that name.

    Raises:
        KeyError: If there is none.
    """
    try:
        return _REGISTRY[name]
    except KeyError:
        raise KeyError(f"There is no primitive {name!r}.") from None


def all_primitives() -> dict[str, Primitive]:
    """Every primitive by name."""
    return dict(_REGISTRY)
