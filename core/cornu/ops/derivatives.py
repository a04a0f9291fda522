"""Derivatives as operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import tracing, tree
from cornu.ops.arguments import as_tensor, emit, sizes


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of a function and its derivative along tangents.

    The reverse rule `u ↦ uᵀ J` is linear in `u`; its own reverse rule is `v ↦ J v`.

    Args:
        fun: From tensors to a tensor or a structure, or with `has_aux` to a pair of that and anything.
        primals: A tuple or list of its arguments.
        tangents: The directions, in the same structure.
        has_aux: Whether `fun` returns more than what is differentiated.

    Returns:
        The value, the derivative, and with `has_aux` the rest.

    Raises:
        ValueError: If there are not as many tangents as primals.
    """
    given, along = list(primals), list(tangents)
    if len(given) != len(along):
        raise ValueError(f"jvp takes as many tangents as primals, got {len(along)} and {len(given)}.")

    def run(given: Any, along: Any) -> Any:
        with tracing.GradientTape(persistent=True) as tape:
            result = fun(*given)
            value = result[0] if has_aux else result
            leaves = tree.flatten(value)
            weights = [emit("Identity", emit("Expand", as_tensor(0, y.dtype), shape=sizes(y))) for y in leaves]
            pulled = tape.gradient(leaves, list(given), weights, unconnected_gradients="zero")
            pushed = tape.gradient(list(pulled), weights, list(along), unconnected_gradients="zero")
        derivative = tree.pack(value, list(pushed))
        return (value, derivative, result[1]) if has_aux else (value, derivative)

    return tracing.function(run)([as_tensor(x) for x in given], [as_tensor(x) for x in along])
