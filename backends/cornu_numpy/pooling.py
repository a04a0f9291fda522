"""Kernels of pooling: one axis after the other, the slowest first, since its windows are long runs in memory."""

from __future__ import annotations

import math

import numpy as np
from cornu.primitives.windows import window_slices

from cornu_numpy.elementwise import scattered
from cornu_numpy.kernel import Kernel, Operation, all_of, kernel


@kernel("MaxPool", "AveragePool")
def _pool(operation: Operation) -> Kernel | None:
    average = operation.op == "AveragePool"
    if 0 in operation.shape or (average and not all_of(operation, np.float32, np.float64)):
        return None
    a, (x,) = operation.attributes, operation.inputs
    every = list(zip(range(2, x.ndim), a["kernel_shape"], a["strides"], a["dilations"], strict=True))
    windows = [window for window in every if window[1] > 1 or window[2] > 1] or every[:1]
    shapes, shape = [], x.shape
    for axis, *_ in windows:
        shape = (*shape[:axis], operation.shape[axis], *shape[axis + 1 :])
        shapes.append((shape, operation.dtype))
    ufunc = np.add if average else np.maximum
    count = operation.dtype.type(math.prod(a["kernel_shape"]))

    def run(x: np.ndarray, *memory: np.ndarray) -> None:
        *between, packed, out = memory
        for window, target in zip(windows, (*between, out), strict=True):
            first, *others = window_slices(x, *window)
            np.copyto(target, first)
            for other in others:
                if scattered(other):
                    place = packed[: other.size].reshape(other.shape)
                    np.copyto(place, other)
                    other = place
                ufunc(target, other, out=target)
            x = target
        if average:
            np.divide(x, count, out=x)

    largest = max(math.prod(shape) for shape, _ in shapes)
    return Kernel(run, scratch=(*shapes[:-1], ((largest,), operation.dtype)))
