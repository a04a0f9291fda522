"""Pooling in Keras's layouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.ir.dim import DimLike, ceil_div
from cornu.ir.types import is_float, numpy_dtype
from cornu.ops.arguments import as_tensor, emit, float_tensor, pair, sizes
from cornu.ops.convolution import (
    check_windows_fit,
    data_format_of,
    from_channels_first,
    padded,
    padding_of,
    same_pads,
    to_channels_first,
)
from cornu.ops.indexing import take_along_axis
from cornu.ops.operation import op
from cornu.ops.reductions import argmax
from cornu.tracing.tensor import Tensor


def _settings(
    x: Tensor, pool_size: Any, strides: Any, padding: str, data_format: str | None, what: str
) -> tuple[Tensor, str, str, tuple[int, ...], tuple[int, ...]]:
    if x.ndim not in (3, 4, 5):
        raise ValueError(f"{what}: expected inputs of rank 3, 4 or 5, got shape {x.shape}.")
    form = data_format_of(data_format, what)
    window = pair(pool_size, x.ndim - 2, f"{what}: pool_size")
    steps = window if strides is None else pair(strides, x.ndim - 2, f"{what}: strides")
    x, mode = to_channels_first(x, form), padding_of(padding, what)
    if mode == "valid":
        check_windows_fit(x, window, (1,) * len(window), what)
    return x, form, mode, window, steps


def _pads(x: Tensor, window: Sequence[int], steps: Sequence[int], mode: str) -> list[Any]:
    if mode == "valid":
        return [(0, 0)] * len(window)
    return [same_pads(n, k, s, 1) for n, k, s in zip(sizes(x)[2:], window, steps, strict=True)]


def _lowest(dtype: str) -> float:
    return float("-inf") if is_float(dtype) else int(np.iinfo(numpy_dtype(dtype)).min)


@op("MaxPool", module="nn")
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The largest element of every window, in 1 to 3 dimensions.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        pool_size: The size of the window.
        strides: Its steps; by default its size.
        padding: "valid", or "same" for a border that no window's maximum comes from.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If shapes or settings do not fit.
    """
    x, form, mode, window, steps = _settings(as_tensor(inputs), pool_size, strides, padding, data_format, "max_pool")
    x = padded(x, _pads(x, window, steps, mode), _lowest(x.dtype))
    pooled = emit("MaxPool", x, kernel_shape=window, strides=steps, dilations=(1,) * len(window))
    return from_channels_first(pooled, form)


@op("AveragePool", module="nn")
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The mean of every window, in 1 to 3 dimensions; a border does not count.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        pool_size: The size of the window.
        strides: Its steps; by default its size.
        padding: "valid", or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If shapes or settings do not fit.
    """
    x, form, mode, window, steps = _settings(
        float_tensor(inputs), pool_size, strides, padding, data_format, "average_pool"
    )
    attributes = {"kernel_shape": window, "strides": steps, "dilations": (1,) * len(window)}
    pads = _pads(x, window, steps, mode)
    pooled = emit("AveragePool", padded(x, pads), **attributes)
    if any(before != 0 or after != 0 for before, after in pads):
        # The mean over all places, divided by the mean of what is 1 inside and 0 in the border.
        ones = emit("Expand", as_tensor(1.0, x.dtype), shape=(1, 1, *sizes(x)[2:]))
        pooled = emit("Div", pooled, emit("AveragePool", padded(ones, pads), **attributes))
    return from_channels_first(pooled, form)


def _adaptive(
    x: Tensor, output_size: Any, data_format: str | None, pool: str, reduce: Callable[[Tensor, int], Tensor], what: str
) -> Any:
    """Along each spatial axis, output `i` of `m` covers `[floor(i n / m), ceil((i + 1) n / m))`.

    Args:
        x: A tensor.
        output_size: How many parts.
        data_format: The layout.
        pool: The primitive for parts that are windows of one size.
        reduce: What makes one element of a part along an axis.
        what: The operation's name.
    """
    if x.ndim not in (3, 4, 5):
        raise ValueError(f"{what}: expected inputs of rank 3, 4 or 5, got shape {x.shape}.")
    form = data_format_of(data_format, what)
    count = pair(output_size, x.ndim - 2, f"{what}: output_size")
    x = to_channels_first(x, form)
    for axis, m in enumerate(count, start=2):
        n = sizes(x)[axis]
        if isinstance(n, int) and n >= m and n % m == 0:
            x = _pool_axis(x, axis, n // m, pool)
        else:
            parts = [reduce(_part(x, axis, i * n // m, ceil_div((i + 1) * n, m)), axis) for i in range(m)]
            x = parts[0] if m == 1 else emit("Concat", *parts, axis=axis)
    return from_channels_first(x, form)


def _part(x: Tensor, axis: int, start: DimLike, end: DimLike) -> Tensor:
    return emit("Slice", x, starts=(start,), ends=(end,), axes=(axis,), steps=(1,))  # type: ignore[no-any-return]


def _pool_axis(x: Tensor, axis: int, length: int, primitive: str) -> Tensor:
    """Pools one axis of [N, C, *S] by windows that tile it."""
    window = tuple(length if i == axis else 1 for i in range(2, x.ndim))
    return emit(primitive, x, kernel_shape=window, strides=window, dilations=(1,) * len(window))  # type: ignore[no-any-return]


def _mean_of(part: Tensor, axis: int) -> Tensor:
    return emit("ReduceMean", part, axes=(axis,), keepdims=True)  # type: ignore[no-any-return]


def _first_maximum(part: Tensor, axis: int) -> Tensor:
    """The maximum along an axis, whose cotangent goes to the first element that attains it, as in all pooling."""
    length = sizes(part)[axis]
    if isinstance(length, int):
        return _pool_axis(part, axis, length, "MaxPool")
    return take_along_axis(part, argmax(part, axis, keepdims=True), axis)  # type: ignore[no-any-return]


@op("AdaptiveAveragePool", module="nn")
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """The means of as many nearly equal parts of the spatial axes as asked for.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        output_size: How many parts: one number, or one per axis.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
    """
    return _adaptive(float_tensor(inputs), output_size, data_format, "AveragePool", _mean_of, "adaptive_average_pool")


@op("AdaptiveMaxPool", module="nn")
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """The maxima of as many nearly equal parts of the spatial axes as asked for.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        output_size: How many parts: one number, or one per axis.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
    """
    return _adaptive(as_tensor(inputs), output_size, data_format, "MaxPool", _first_maximum, "adaptive_max_pool")
