"""`keras.backend` for scripts: Keras 3's names, and the functions of Keras 2 that scripts still call as `K.mean`."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from cornu import backend as _backend
from cornu import ops, random

_SAME = (
    "abs", "arange", "argmax", "argmin", "cast", "clip", "concatenate", "cos", "dot", "equal", "exp", "expand_dims",
    "eye", "greater", "greater_equal", "less", "less_equal", "log", "logsumexp", "maximum", "minimum", "not_equal",
    "ones", "ones_like", "relu", "repeat", "reshape", "round", "sigmoid", "sign", "sin", "softmax", "softplus",
    "softsign", "sqrt", "square", "squeeze", "stack", "stop_gradient", "switch", "tanh", "tile", "transpose", "zeros",
    "zeros_like",
)  # fmt: skip
_REDUCTIONS = ("all", "any", "cumprod", "cumsum", "max", "mean", "min", "prod", "std", "sum", "var")
_LOSSES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")


def _named(name: str) -> Any:
    if name in _backend.__dir__():
        return getattr(_backend, name)
    if name in (*_SAME, *_REDUCTIONS, *_LOSSES):
        return getattr(ops, name)
    raise AttributeError(name)


def __getattr__(name: str) -> Any:
    return _named(name)


def __dir__() -> list[str]:
    return sorted({*_backend.__dir__(), *_SAME, *_REDUCTIONS, *_LOSSES, *_OWN})


def batch_dot(x: Any, y: Any, axes: int | Sequence[int]) -> Any:
    """The product of two batches along one axis of each, sample by sample.

    Args:
        x: A tensor of shape (batch, ...).
        y: A tensor of shape (batch, ...).
        axes: The axis of both, or one of each.

    Example:
        >>> batch_dot(ops.ones((2, 3, 4)), ops.ones((2, 4, 5)), axes=(2, 1)).shape
        (2, 3, 5)
    """
    first, second = (axes, axes) if isinstance(axes, int) else axes
    names = iter(ascii_letters)
    batch, shared = next(names), next(names)
    left = [batch, *(next(names) for _ in x.shape[1:])]
    right = [batch, *(next(names) for _ in y.shape[1:])]
    left[first] = right[second] = shared
    kept = "".join(name for name in (batch, *left[1:], *right[1:]) if name != shared)
    result = ops.einsum(f"{''.join(left)},{''.join(right)}->{kept}", x, y)
    return result if len(kept) > 1 else ops.expand_dims(result, -1)


def batch_flatten(x: Any) -> Any:
    """A tensor with all axes but the first made one.

    Args:
        x: A tensor of shape (batch, ...).
    """
    return ops.reshape(x, (ops.shape(x)[0], -1))


def constant(value: Any, dtype: str | None = None, shape: Sequence[int] | None = None) -> Any:
    """A tensor of a value.

    Args:
        value: A number or array.
        dtype: Its dtype; the configured float type if missing.
        shape: Its shape; the value's own if missing.
    """
    tensor = ops.convert_to_tensor(value, dtype or _backend.floatx())
    return tensor if shape is None else ops.broadcast_to(tensor, shape)


def count_params(x: Any) -> int:
    """The number of elements of a tensor or variable.

    Args:
        x: A tensor of known shape.
    """
    return int(np.prod(x.shape))


def dtype(x: Any) -> str:
    """The name of a tensor's dtype.

    Args:
        x: A tensor.
    """
    return str(_backend.standardize_dtype(x.dtype))


def eval(x: Any) -> np.ndarray:
    """A tensor's or variable's value as an array.

    Args:
        x: The tensor.
    """
    return np.asarray(ops.convert_to_numpy(x))


get_value = eval


def flatten(x: Any) -> Any:
    """A tensor as a vector.

    Args:
        x: A tensor.
    """
    return ops.reshape(x, (-1,))


def int_shape(x: Any) -> tuple[int | None, ...]:
    """A tensor's shape with None for open sizes.

    Args:
        x: A tensor.
    """
    return tuple(x.shape)


def ndim(x: Any) -> int:
    """The number of a tensor's axes.

    Args:
        x: A tensor.
    """
    return len(x.shape)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """A tensor with its axes in another order.

    Args:
        x: A tensor.
        pattern: The old axis for each new one.
    """
    return ops.transpose(x, pattern)


def pow(x: Any, a: float) -> Any:
    """A tensor raised to a power, element by element.

    Args:
        x: A tensor.
        a: The exponent.
    """
    return ops.power(x, a)


def random_normal(
    shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: int | None = None
) -> Any:
    """Normally distributed numbers.

    Args:
        shape: The shape.
        mean: Their mean.
        stddev: Their standard deviation.
        dtype: Their dtype; the configured float type if missing.
        seed: A seed for repeatable numbers.
    """
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: str | None = None, seed: int | None = None
) -> Any:
    """Uniformly distributed numbers.

    Args:
        shape: The shape.
        minval: Their least value.
        maxval: What they stay below.
        dtype: Their dtype; the configured float type if missing.
        seed: A seed for repeatable numbers.
    """
    return random.uniform(shape, minval, maxval, dtype, seed)


def set_value(x: Any, value: Any) -> None:
    """Assigns to a variable.

    Args:
        x: The variable.
        value: An array of its shape.
    """
    x.assign(value)


def shape(x: Any) -> Any:
    """A tensor's sizes, which arithmetic works on even where they are open.

    Args:
        x: A tensor.
    """
    return ops.shape(x)


def variable(value: Any, dtype: str | None = None, name: str | None = None) -> Any:
    """A variable of an initial value.

    Args:
        value: A number or array.
        dtype: Its dtype; the configured float type if missing.
        name: Its name.
    """
    from cornu import Variable

    return Variable(np.asarray(value), dtype=dtype or _backend.floatx(), name=name)


_OWN = (
    "batch_dot", "batch_flatten", "constant", "count_params", "dtype", "eval", "flatten", "get_value", "int_shape",
    "ndim", "permute_dimensions", "pow", "random_normal", "random_uniform", "set_value", "shape", "variable",
)  # fmt: skip
