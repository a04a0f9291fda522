"""Reductions over axes, running sums and products, sorting."""

from __future__ import annotations

import jax
import numpy as np
from jax import lax

from cornu_jax.kernels.common import (
    Function,
    Ints,
    Kernel,
    choose,
    convert,
    filled,
    in_float32,
    is_float,
    size_of,
    wide,
)

_INT64 = np.dtype(np.int64)


def _kept(shape: Ints, axes: Ints, keepdims: bool) -> list[int]:
    return [1 if i in axes else size for i, size in enumerate(shape) if keepdims or i not in axes]


def _limit(x: jax.Array, largest: bool) -> float:
    if is_float(x):
        return np.inf if largest else -np.inf
    limits = np.iinfo(x.dtype)
    return int(limits.max if largest else limits.min)


def _reduced(x: jax.Array, start: float, function: Function, axes: Ints, keepdims: bool) -> jax.Array:
    result = lax.reduce(x, filled(x, start), function, list(axes)) if axes else x
    return lax.reshape(result, _kept(x.shape, axes, keepdims))


def _sum(x: jax.Array, axes: Ints, keepdims: bool) -> jax.Array:
    return _reduced(x, 0, lax.add, axes, keepdims)


def _product(x: jax.Array, axes: Ints, keepdims: bool) -> jax.Array:
    return _reduced(x, 1, lax.mul, axes, keepdims)


def _mean(x: jax.Array, axes: Ints, keepdims: bool) -> jax.Array:
    return _sum(x, axes, keepdims) / filled(x, size_of([x.shape[axis] for axis in axes]))


def _max(x: jax.Array, axes: Ints, keepdims: bool) -> jax.Array:
    return _reduced(x, _limit(x, largest=False), lax.max, axes, keepdims)


def _min(x: jax.Array, axes: Ints, keepdims: bool) -> jax.Array:
    return _reduced(x, _limit(x, largest=True), lax.min, axes, keepdims)


Pair = tuple[jax.Array, jax.Array]


def _argument(better: Function, worst_is_largest: bool) -> Kernel:
    """The index of the first extreme; NaN is better than every number. The order of comparisons does not matter."""

    def first(left: Pair, right: Pair) -> Pair:
        (x, i), (y, j) = left, right
        x_nan, y_nan = x != x, y != y
        ahead = (better(x, y) & ~y_nan) | (x_nan & ~y_nan)
        equal = (x == y) | (x_nan & y_nan)
        takes = ahead | (equal & (i < j))
        return choose(takes, x, y), choose(takes, i, j)

    def kernel(x: jax.Array, axis: int, keepdims: bool) -> jax.Array:
        if not x.shape[axis]:
            raise ValueError("there is no extreme of no elements")
        x = wide(x)
        places = lax.broadcasted_iota(_INT64, x.shape, axis)
        # The start never wins: even of equals it has the higher index.
        start = filled(x, _limit(x, worst_is_largest)), lax.full((), np.iinfo(_INT64).max, _INT64)
        _, place = lax.reduce((x, places), start, first, [axis])
        return lax.reshape(place, _kept(x.shape, (axis,), keepdims))

    return kernel


def _cumulative(function: Function, start: int) -> Kernel:
    def kernel(x: jax.Array, axis: int, exclusive: bool, reverse: bool) -> jax.Array:
        if exclusive:
            x = _shifted(x, axis, start, reverse)
        return convert(function(wide(x), axis=axis, reverse=reverse), x.dtype)

    return kernel


def _shifted(x: jax.Array, axis: int, start: int, reverse: bool) -> jax.Array:
    """Every element one place later, or with `reverse` one place earlier; the last one falls out."""
    if not x.shape[axis]:
        return x
    pads = [(0, 0, 0)] * x.ndim
    pads[axis] = (-1, 1, 0) if reverse else (1, -1, 0)
    return lax.pad(x, filled(x, start), pads)


def _order(x: jax.Array) -> jax.Array:
    """Integers in the order of the elements: equal zeros, and one NaN after everything."""
    if not is_float(x):
        return x
    x = wide(x)
    x = choose(x == 0, 0.0, choose(x != x, np.nan, x))
    bits = lax.bitcast_convert_type(x, np.dtype(f"int{8 * x.dtype.itemsize}"))
    # Of negative floats a larger pattern is a smaller number; the sign stays.
    return choose(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def _top(x: jax.Array, k: int, axis: int, largest: bool, sorted: bool) -> Pair:
    """A stable sort of keys, so that of equals the first one comes first."""
    keys = _order(x)
    if largest:
        keys = lax.bitwise_not(keys)
    places = lax.broadcasted_iota(_INT64, x.shape, axis)
    _, values, order = lax.sort((keys, x, places), dimension=axis, is_stable=True, num_keys=1)
    return lax.slice_in_dim(values, 0, k, axis=axis), lax.slice_in_dim(order, 0, k, axis=axis)


KERNELS: dict[str, Kernel] = {
    "ReduceSum": in_float32(_sum),
    "ReduceMean": in_float32(_mean),
    "ReduceProd": in_float32(_product),
    "ReduceMax": _max,
    "ReduceMin": _min,
    "ArgMax": _argument(lax.gt, worst_is_largest=False),
    "ArgMin": _argument(lax.lt, worst_is_largest=True),
    "CumSum": _cumulative(lax.cumsum, 0),
    "CumProd": _cumulative(lax.cumprod, 1),
    "TopK": _top,
}
