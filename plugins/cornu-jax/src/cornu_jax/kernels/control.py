"""Branches, loops, and the barrier of rematerialisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
from jax import lax

from cornu_jax.kernels.common import Kernel

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
    return lax.optimization_barrier(arrays)[:-1]


KERNELS: dict[str, Kernel] = {"If": _if, "Scan": _scan, "While": _while, "Barrier": _barrier}
