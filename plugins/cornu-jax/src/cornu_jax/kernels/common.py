"""What several kernels use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Kernel = Callable[..., jax.Array | Sequence[jax.Array]]
Function = Callable[..., jax.Array]
Ints = Sequence[int]


def is_float(x: jax.Array) -> bool:
    """Whether an array holds floats."""
    return bool(jnp.issubdtype(x.dtype, jnp.floating))


def is_half(x: jax.Array) -> bool:
    """Whether an array holds floats of 16 bits."""
    return is_float(x) and x.dtype.itemsize == 2


def convert(x: jax.Array, dtype: np.dtype) -> jax.Array:
    """The numbers in another dtype, as XLA converts them."""
    return lax.convert_element_type(x, dtype)


def filled(x: jax.Array, value: float, shape: Ints = ()) -> jax.Array:
    """A number in the dtype of `x`."""
    return lax.full(tuple(shape), value, x.dtype)


def wide(x: jax.Array) -> jax.Array:
    """The array, in float32 if it holds floats of 16 bits."""
    return convert(x, np.dtype(np.float32)) if is_half(x) else x


def in_float32(function: Function) -> Function:
    """A kernel that computes floats of 16 bits in float32 and rounds once."""

    @wraps(function)
    def run(*arrays: jax.Array, **attributes: object) -> jax.Array:
        return convert(function(*map(wide, arrays), **attributes), arrays[0].dtype)

    return run


def stretch(x: jax.Array, shape: Ints) -> jax.Array:
    """An array broadcast to a shape, as NumPy does it."""
    if x.shape == tuple(shape):
        return x
    return lax.broadcast_in_dim(_without_ones(x, shape), tuple(shape), _axes(x, shape))


def _axes(x: jax.Array, shape: Ints) -> list[int]:
    extra = len(shape) - x.ndim
    return [extra + i for i, size in enumerate(x.shape) if size == shape[extra + i]]


def _without_ones(x: jax.Array, shape: Ints) -> jax.Array:
    extra = len(shape) - x.ndim
    return lax.reshape(x, [size for i, size in enumerate(x.shape) if size == shape[extra + i]])


def alike(*arrays: jax.Array) -> list[jax.Array]:
    """Arrays broadcast to one shape."""
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return [stretch(x, shape) for x in arrays]


def broadcast(function: Function) -> Function:
    """A kernel of operands that are broadcast."""

    @wraps(function)
    def run(*arrays: jax.Array, **attributes: object) -> jax.Array:
        return function(*alike(*arrays), **attributes)

    return run


def choose(condition: jax.Array, x: jax.Array | float, y: jax.Array | float) -> jax.Array:
    """`x` where the condition holds, else `y`; numbers take the dtype of the array beside them."""
    model = x if isinstance(x, jax.Array) else y
    assert isinstance(model, jax.Array)
    first = x if isinstance(x, jax.Array) else filled(model, x)
    second = y if isinstance(y, jax.Array) else filled(model, y)
    shape = np.broadcast_shapes(condition.shape, first.shape, second.shape)
    return lax.select(stretch(condition, shape), stretch(first, shape), stretch(second, shape))


def number(x: jax.Array, value: float) -> jax.Array:
    """A number in the dtype and shape of `x`."""
    return lax.full_like(x, value)


def size_of(shape: Ints) -> int:
    """How many elements a shape has."""
    return math.prod(shape)
