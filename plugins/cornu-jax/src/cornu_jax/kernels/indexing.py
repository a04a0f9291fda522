"""Reading and writing at indices that are tensors: an index out of range is clamped to read, and left out to write."""

from __future__ import annotations

import jax
import numpy as np
from jax import lax

from cornu_jax.kernels.common import Ints, Kernel, choose, convert, wide


def _counted(indices: jax.Array, sizes: Ints) -> jax.Array:
    """Indices from the front, each as a row: the last axis has one index for each of `sizes`."""
    indices = convert(indices, np.dtype(np.int64))
    size = lax.broadcast_in_dim(np.asarray(sizes, np.int64), indices.shape, [indices.ndim - 1])
    return choose(indices < 0, indices + size, indices)


def _read(x: jax.Array, places: jax.Array, numbers: lax.GatherDimensionNumbers, slices: Ints, shape: Ints) -> jax.Array:
    if 0 in shape:
        return lax.full(tuple(shape), 0, x.dtype)
    if 0 in x.shape:
        raise IndexError(f"an array of shape {x.shape} has no element to read")
    return lax.gather(x, places, numbers, tuple(slices), mode=lax.GatherScatterMode.CLIP)


def _gather(x: jax.Array, indices: jax.Array, axis: int) -> jax.Array:
    rank = indices.ndim
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(*range(axis), *range(axis + rank, x.ndim - 1 + rank)),
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
    )
    slices = [1 if i == axis else size for i, size in enumerate(x.shape)]
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    places = _counted(lax.expand_dims(indices, [rank]), x.shape[axis : axis + 1])
    return _read(x, places, numbers, slices, shape)


def _others(x: jax.Array, axis: int) -> tuple[int, ...]:
    return tuple(i for i in range(x.ndim) if i != axis)


def _gather_elements(x: jax.Array, indices: jax.Array, axis: int) -> jax.Array:
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=_others(x, axis),
        start_indices_batching_dims=_others(x, axis),
    )
    places = _counted(lax.expand_dims(indices, [x.ndim]), x.shape[axis : axis + 1])
    return _read(x, places, numbers, [1] * x.ndim, indices.shape)


def _gather_nd(x: jax.Array, indices: jax.Array) -> jax.Array:
    depth, rank = indices.shape[-1], indices.ndim - 1
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(range(rank, rank + x.ndim - depth)),
        collapsed_slice_dims=tuple(range(depth)),
        start_index_map=tuple(range(depth)),
    )
    shape = (*indices.shape[:-1], *x.shape[depth:])
    return _read(x, _counted(indices, x.shape[:depth]), numbers, [1] * depth + list(x.shape[depth:]), shape)


_WRITES = {
    "none": lax.scatter,
    "add": lax.scatter_add,
    "mul": lax.scatter_mul,
    "max": lax.scatter_max,
    "min": lax.scatter_min,
}


def _write(
    data: jax.Array, places: jax.Array, updates: jax.Array, numbers: lax.ScatterDimensionNumbers, reduction: str
) -> jax.Array:
    if not data.size or not updates.size:
        return data
    given, added = (wide(data), wide(updates)) if reduction in ("add", "mul") else (data, updates)
    result = _WRITES[reduction](given, places, added, numbers, mode=lax.GatherScatterMode.FILL_OR_DROP)
    return convert(result, data.dtype)


def _scatter_elements(data: jax.Array, indices: jax.Array, updates: jax.Array, axis: int, reduction: str) -> jax.Array:
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(),
        inserted_window_dims=(axis,),
        scatter_dims_to_operand_dims=(axis,),
        operand_batching_dims=_others(data, axis),
        scatter_indices_batching_dims=_others(data, axis),
    )
    places = _counted(lax.expand_dims(indices, [data.ndim]), data.shape[axis : axis + 1])
    return _write(data, places, updates, numbers, reduction)


def _scatter_nd(data: jax.Array, indices: jax.Array, updates: jax.Array, reduction: str) -> jax.Array:
    depth, rank = indices.shape[-1], indices.ndim - 1
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=tuple(range(rank, rank + data.ndim - depth)),
        inserted_window_dims=tuple(range(depth)),
        scatter_dims_to_operand_dims=tuple(range(depth)),
    )
    return _write(data, _counted(indices, data.shape[:depth]), updates, numbers, reduction)


KERNELS: dict[str, Kernel] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
}
