"""Branches, loops, and the barrier of rematerialisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax import lax

from cornu_jax.kernels.common import Kernel, convert

Body = Callable[..., list[jax.Array]]
State = tuple[jax.Array, ...]


def _if(condition: jax.Array, *arrays: jax.Array, then: Body, otherwise: Body) -> Sequence[jax.Array]:
    branches: Sequence[jax.Array] = lax.cond(condition, then, otherwise, *arrays)
    return branches


def _scan(
    *arrays: jax.Array, body: Body, carries: int, sequences: int, length: int, reverse: bool
) -> Sequence[jax.Array]:
    state, elements = arrays[:carries], arrays[carries : carries + sequences]
    constants = arrays[carries + sequences :]

    def step(state: State, elements: State) -> tuple[State, State]:
        results = body(*state, *elements, *constants)
        return tuple(results[:carries]), tuple(results[carries:])

    last, stacked = lax.scan(step, state, elements, length=length, reverse=reverse)
    return [*last, *stacked]


def _while(*arrays: jax.Array, condition: Body, body: Body, carries: int) -> Sequence[jax.Array]:
    state, constants = arrays[:carries], arrays[carries:]

    def goes_on(state: State) -> jax.Array:
        return condition(*state, *constants)[0]

    def step(state: State) -> State:
        return tuple(body(*state, *constants))

    return lax.while_loop(goes_on, step, state)


def _barrier(*arrays: jax.Array) -> Sequence[jax.Array]:
    """XLA takes its own barriers out on a CPU and then merges what they held apart.

    So every operand is joined with zero bits that come from the awaited one, where XLA cannot see that they are zero.
    """
    *operands, awaited = arrays
    if not awaited.size:
        return operands
    bits = _bits(lax.slice(awaited, [0] * awaited.ndim, [1] * awaited.ndim))
    zero = lax.reshape(lax.shift_right_logical(lax.population_count(bits), np.asarray(7, bits.dtype)), ())
    return [_joined(x, zero) for x in operands]


def _bits(x: jax.Array) -> jax.Array:
    if x.dtype == np.bool_:
        return convert(x, np.dtype(np.uint8))
    return lax.bitcast_convert_type(x, np.dtype(f"uint{8 * x.dtype.itemsize}"))


def _joined(x: jax.Array, zero: jax.Array) -> jax.Array:
    if x.dtype == np.bool_:
        return lax.bitwise_or(x, lax.broadcast(zero != 0, x.shape))
    bits = _bits(x)
    return lax.bitcast_convert_type(lax.bitwise_or(bits, lax.broadcast(convert(zero, bits.dtype), x.shape)), x.dtype)


KERNELS: dict[str, Kernel] = {"If": _if, "Scan": _scan, "While": _while, "Barrier": _barrier}
