"""Random bits: Cornu's generator (its spec/random.md), the same words as on every backend."""

from __future__ import annotations

import jax
import numpy as np
from jax import lax

from cornu_jax.kernels.common import Ints, Kernel, size_of

_ROW = 4096
_GOLDEN, _FIRST, _SECOND = 0x9E3779B9, 0x7FEB352D, 0x846CA68B
_UINT32 = np.dtype(np.uint32)


def _word(value: int) -> np.uint32:
    return np.uint32(value)


def _mix(x: jax.Array, shift: int) -> jax.Array:
    return x ^ (x >> _word(shift))


def _hash(x: jax.Array) -> jax.Array:
    return _mix(_mix(_mix(x, 16) * _word(_FIRST), 15) * _word(_SECOND), 16)


def _random_bits(key: jax.Array, shape: Ints) -> jax.Array:
    count = size_of(shape)
    rows, width = -(-count // _ROW), min(count, _ROW)
    column = _hash(lax.iota(_UINT32, width) + _word(_GOLDEN))
    first = _hash(_hash(lax.iota(_UINT32, rows) + key[0]) ^ key[1])
    factor = _hash(first + (key[0] * _word(_GOLDEN) + _word(1))) | _word(1)
    words = _mix((column[None, :] + first[:, None]) * factor[:, None], 16) * _word(_FIRST)
    flat = lax.reshape(_mix(words, 15), (rows * width,))
    return lax.reshape(lax.slice_in_dim(flat, 0, count), tuple(shape))


KERNELS: dict[str, Kernel] = {"RandomBits": _random_bits}
