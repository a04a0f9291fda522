"""Kernels of reductions and matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu_numpy.kernel import Kernel, Operation, all_of, kernel

FLOATS = (np.float32, np.float64)


@kernel("ReduceSum", "ReduceMean")
def _sum(operation: Operation) -> Kernel | None:
    if not all_of(operation, *FLOATS):
        return None
    (x,) = operation.inputs
    axes, keepdims = operation.attributes["axes"], operation.attributes["keepdims"]
    count = math.prod(x.shape[axis] for axis in axes)
    add = _leading_sum(x, axes, keepdims) or _reduce(np.add, axes, keepdims)
    if operation.op == "ReduceSum":
        return Kernel(add)
    # Of nothing the mean is 0 / 0.
    number = operation.dtype.type(count)

    def mean(x: np.ndarray, out: np.ndarray) -> None:
        add(x, out)
        np.divide(out, number, out)

    return Kernel(mean)


def _leading_sum(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> Callable[..., Any] | None:
    """The sum over all axes but the last ones as a product with ones, which the BLAS does best."""
    if sorted(axes) != list(range(len(axes))) or not x.flags.c_contiguous:
        return None
    rows, columns = math.prod(x.shape[: len(axes)]), math.prod(x.shape[len(axes) :])
    if rows < 2 or columns < 2:
        return None
    ones = np.ones((1, rows), x.dtype)

    def run(x: np.ndarray, out: np.ndarray) -> None:
        np.matmul(ones, x.reshape(rows, columns), out.reshape(1, columns))

    return run


def _reduce(ufunc: np.ufunc, axes: tuple[int, ...], keepdims: bool) -> Callable[..., Any]:
    def run(x: np.ndarray, out: np.ndarray) -> None:
        ufunc.reduce(x, axis=axes, out=out, keepdims=keepdims)

    return run


@kernel("ReduceMax", "ReduceMin")
def _extreme(operation: Operation) -> Kernel | None:
    (x,) = operation.inputs
    axes = operation.attributes["axes"]
    if not axes or any(x.shape[axis] == 0 for axis in axes):
        return None
    ufunc = np.maximum if operation.op == "ReduceMax" else np.minimum
    return Kernel(_reduce(ufunc, axes, operation.attributes["keepdims"]))


@kernel("MatMul")
def _matmul(operation: Operation) -> Kernel | None:
    if not all_of(operation, *FLOATS):
        return None
    x, y = operation.inputs
    left, right = _for_blas(x), _for_blas(y)
    if y.ndim == 2 and x.ndim > 2 and x.flags.c_contiguous and left is None:
        rows, inner, columns = math.prod(x.shape[:-1]), x.shape[-1], y.shape[1]

        def flat(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
            y = y if right is None else right(y)
            np.matmul(x.reshape(rows, inner), y, out.reshape(rows, columns))

        return Kernel(flat)
    if left is None and right is None:
        return Kernel(np.matmul)

    def packed(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
        np.matmul(x if left is None else left(x), y if right is None else right(y), out)

    return Kernel(packed)


def _for_blas(array: np.ndarray) -> Callable[[np.ndarray], np.ndarray] | None:
    """None where NumPy gives a stack of matrices to the BLAS as it lies; else what makes a copy that it does."""
    rows, columns = array.shape[-2:]
    down, right = array.strides[-2:]
    size = array.dtype.itemsize
    if (right == size and down >= columns * size and down % size == 0) or (
        down == size and right >= rows * size and right % size == 0
    ):
        return None
    return np.ascontiguousarray
