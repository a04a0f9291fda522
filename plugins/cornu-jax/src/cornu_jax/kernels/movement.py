"""Making and moving data: sizes, ranges, reshaping, slicing, padding, joining, splitting, repeating."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from cornu.ir.types import numpy_dtype
from jax import lax

from cornu_jax.kernels.common import Ints, Kernel, choose, convert, stretch


def _dim_value(size: int) -> jax.Array:
    return lax.full((), size, np.dtype(np.int64))


def _range(start: int, step: int, size: int, dtype: str) -> jax.Array:
    places = lax.iota(np.dtype(np.int64), size)
    numbers = places * lax.full((), step, places.dtype) + lax.full((), start, places.dtype)
    if dtype == "bool":
        return numbers != 0
    return convert(numbers, numpy_dtype(dtype))


def _slice(x: jax.Array, starts: Ints, ends: Ints, axes: Ints, steps: Ints) -> jax.Array:
    """Exact bounds; of a negative step the elements from the last one on, turned round."""
    low, high, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    turned = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        count = max(-((start - end) // step), 0)
        last = start + (count - 1) * step
        low[axis], high[axis] = (min(start, last), max(start, last) + 1) if count else (0, 0)
        strides[axis] = abs(step)
        turned += [axis] if step < 0 else []
    part = lax.slice(x, low, high, strides)
    return lax.rev(part, turned) if turned else part


def _pad(x: jax.Array, before: Ints, after: Ints, value: float, mode: str) -> jax.Array:
    if mode != "constant":
        return jnp.pad(x, list(zip(before, after, strict=True)), mode=mode)
    fill = lax.full((), x.dtype.type(value), x.dtype)
    return lax.pad(x, fill, [(b, a, 0) for b, a in zip(before, after, strict=True)])


def _split(x: jax.Array, axis: int, sizes: Ints) -> list[jax.Array]:
    ends = np.cumsum(sizes).tolist()
    return [lax.slice_in_dim(x, end - size, end, axis=axis) for size, end in zip(sizes, ends, strict=True)]


def _tile(x: jax.Array, repeats: Ints) -> jax.Array:
    pairs = list(zip(repeats, x.shape, strict=True))
    stretched = lax.broadcast_in_dim(x, [size for pair in pairs for size in pair], range(1, 2 * x.ndim, 2))
    return lax.reshape(stretched, [repeat * size for repeat, size in pairs])


def _triangle(x: jax.Array, upper: bool, k: int) -> jax.Array:
    rows, columns = (lax.broadcasted_iota(np.dtype(np.int64), x.shape[-2:], axis) for axis in (0, 1))
    inside = columns - rows >= k if upper else columns - rows <= k
    return choose(inside, x, 0)


KERNELS: dict[str, Kernel] = {
    "DimValue": _dim_value,
    "Range": _range,
    "Reshape": lambda x, shape: lax.reshape(x, shape),
    "Transpose": lambda x, perm: lax.transpose(x, perm),
    "Expand": lambda x, shape: stretch(x, shape),
    "Slice": _slice,
    "Pad": _pad,
    "Concat": lambda *arrays, axis: lax.concatenate(arrays, axis),
    "Split": _split,
    "Tile": _tile,
    "Trilu": _triangle,
}
