"""Making tensors: constants, ranges, grids, triangles, windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.ir.dim import Dim, ceil_div, maximum
from cornu.ir.types import is_float, numpy_dtype
from cornu.ops.arguments import (
    as_operand,
    as_size,
    as_sizes,
    as_tensor,
    emit,
    known_array,
    one_axis,
    sizes,
    with_shape,
)
from cornu.ops.dtypes import float_type, result_type
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor, to_array
from cornu.utils.dtypes import resolve_dtype


def _filled(value: Any, shape: Any, dtype: str) -> Any:
    scalar = as_tensor(as_operand(value), dtype)
    return emit("Expand", scalar, shape=tuple(shape)) if len(shape) else scalar


def zeros(shape: Any, dtype: Any = None) -> Any:
    """A tensor of zeros."""
    return _filled(0, as_sizes(shape), resolve_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """A tensor of ones."""
    return _filled(1, as_sizes(shape), resolve_dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """A tensor whose numbers do not matter: zeros."""
    return zeros(shape, dtype)


@op("Full")
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A tensor of one value, or of a tensor broadcast to a shape; by default of the configured float type."""
    return _filled(fill_value, as_sizes(shape), resolve_dtype(dtype))


def _like(x: Any, value: Any, dtype: Any) -> Any:
    x = as_tensor(x)
    return _filled(value, sizes(x), x.dtype if dtype is None else resolve_dtype(dtype))


@op("ZerosLike")
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of `x`, and by default its dtype."""
    return _like(x, 0, dtype)


@op("OnesLike")
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of the shape of `x`, and by default its dtype."""
    return _like(x, 1, dtype)


@op("EmptyLike")
def empty_like(x: Any, dtype: Any = None) -> Any:
    """A tensor of the shape of `x` whose numbers do not matter: zeros."""
    return _like(x, 0, dtype)


@op("FullLike", tensors=2)
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape of `x`, and by default its dtype."""
    return _like(x, fill_value, dtype)


@op("Array")
def array(x: Any, dtype: Any = None) -> Any:
    """A tensor of nested lists, numbers or an array."""
    return as_tensor(x, None if dtype is None else resolve_dtype(dtype))


@op("Copy")
def copy(x: Any) -> Any:
    """The same numbers."""
    return emit("Identity", as_tensor(x))


# -- ranges --------------------------------------------------------------------------------------------------------


def _number(x: Any, what: str) -> Any:
    """A bound of a range as a Python number or size."""
    return x if isinstance(x, (int, float, Dim)) else known_array(x, what).item()


@op("Arange", tensors=3)
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """`start, start + step, ...` up to but without `stop`; of one bound, `0, 1, ...` up to but without it.

    Args:
        start: The first number, or the end if `stop` is missing.
        stop: The end.
        step: The difference of neighbours, 1 by default.
        dtype: The dtype; by default that of the bounds.

    Raises:
        TypeError: If a bound is computed by the program itself: then the length is unknown.
        ValueError: If the step is 0.
    """
    bounds = [_number(x, "arange's bounds") for x in (start, stop, step) if x is not None]
    wanted = result_type(*bounds) if dtype is None else resolve_dtype(dtype)
    if stop is None:
        start, stop = 0, start
    first, end = _number(start, "arange's start"), _number(stop, "arange's stop")
    stride = 1 if step is None else _number(step, "arange's step")
    if stride == 0:
        raise ValueError("arange: the step must not be 0.")
    if all(isinstance(x, (int, Dim)) for x in (first, end, stride)):
        size = maximum(ceil_div(end - first, stride), 0)
        return emit("Range", start=first, step=stride, size=size, dtype=wanted)
    if any(isinstance(x, Dim) for x in (first, end, stride)):
        raise TypeError("arange: a symbolic size goes only with whole numbers.")
    return as_tensor(np.arange(first, end, stride).astype(numpy_dtype(wanted)))


@op("Linspace", tensors=2)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`.

    Args:
        start, stop: The first and last number, or tensors of them.
        num: How many.
        endpoint: Whether `stop` is among them.
        retstep: Whether to return the distance, too.
        dtype: The dtype; by default a float.
        axis: Where the new axis goes.

    Raises:
        ValueError: If `num` is negative.
    """
    if num < 0:
        raise ValueError(f"linspace: num must not be negative, got {num}.")
    start, stop = as_operand(start), as_operand(stop)
    wanted = float_type(start, stop) if dtype is None else resolve_dtype(dtype)
    inner = wanted if is_float(wanted) else "float32"
    first, last = as_tensor(start, inner), as_tensor(stop, inner)
    parts = num - 1 if endpoint else num
    span = emit("Sub", last, first)
    steps = np.arange(num) / parts if parts > 0 else np.zeros(num)
    place = one_axis(axis, span.ndim + 1, "linspace")
    fractions = as_tensor(
        steps.astype(numpy_dtype(inner)).reshape([num if i == place else 1 for i in range(span.ndim + 1)])
    )
    lifted = [
        with_shape(x, (*sizes(x)[:place], 1, *sizes(x)[place:])) for x in (_to(first, span), _to(last, span), span)
    ]
    result = emit("Add", lifted[0], emit("Mul", fractions, lifted[2]))
    if endpoint and num > 1:
        # The last number is exactly `stop`, whatever the rounding.
        is_last = (np.arange(num) == num - 1).reshape(fractions.shape)
        result = emit("Where", as_tensor(is_last), lifted[1], result)
    result = as_tensor(result if wanted == inner else emit("Floor", result), wanted)
    if not retstep:
        return result
    nan = as_tensor(float("nan"), inner)
    return result, (emit("Div", span, parts) if parts > 0 else emit("Mul", span, nan))


def _to(x: Tensor, like: Tensor) -> Tensor:
    return x if sizes(x) == sizes(like) else emit("Expand", x, shape=sizes(like))


@op("Logspace", tensors=2)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """`base ** x` for `num` equally spaced `x` from `start` to `stop`."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    result = emit("Pow", as_tensor(base, exponents.dtype), exponents)
    return result if dtype is None else as_tensor(result, resolve_dtype(dtype))


@op("Geomspace", tensors=2)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """`num` numbers at equal ratios from `start` to `stop`, which have the same sign."""
    start, stop = as_operand(start), as_operand(stop)
    inner = float_type(start, stop)
    first, last = as_tensor(start, inner), as_tensor(stop, inner)
    logs = linspace(emit("Log", emit("Abs", first)), emit("Log", emit("Abs", last)), num, endpoint, axis=axis)
    place = one_axis(axis, logs.ndim, "geomspace")
    sign = _to(emit("Sign", first), emit("Sub", last, first))
    result = emit("Mul", emit("Exp", logs), with_shape(sign, (*sizes(sign)[:place], 1, *sizes(sign)[place:])))
    return result if dtype is None else as_tensor(result, resolve_dtype(dtype))


# -- grids and triangles -------------------------------------------------------------------------------------------


@op("Meshgrid")
def _meshgrid(x: Any, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}.")
    axes = [as_tensor(item) for item in x]
    flat = [with_shape(item, (item.type.size,)) for item in axes]
    n = len(flat)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    shape = tuple(sizes(flat[i])[0] for i in order)
    return [
        emit("Expand", with_shape(item, tuple(shape[k] if order[k] == i else 1 for k in range(n))), shape=shape)
        for i, item in enumerate(flat)
    ]


def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """The coordinates of a grid, one tensor per vector.

    Args:
        x: Vectors.
        indexing: "xy" swaps the first two axes of the results, as for images; "ij" keeps the order.

    Raises:
        ValueError: If `indexing` is neither.
    """
    return _meshgrid(list(x), indexing=indexing)


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803 - Keras's names
    """Ones on the k-th diagonal of an N × M matrix, zeros elsewhere."""
    wanted = resolve_dtype(dtype)
    rows, columns = _row_numbers(N, M)
    return emit("Cast", emit("Equal", emit("Sub", columns, rows), int(k)), to=wanted)


def _row_numbers(rows: Any, columns: Any) -> tuple[Any, Any]:
    n = as_size(rows, "N")
    m = n if columns is None else as_size(columns, "M")
    down = emit("Range", start=0, step=1, size=n, dtype="int32")
    across = emit("Range", start=0, step=1, size=m, dtype="int32")
    return with_shape(down, (n, 1)), with_shape(across, (1, m))


def identity(n: Any, dtype: Any = None) -> Any:
    """The n × n identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803 - Keras's names
    """Ones at and below the k-th diagonal of an N × M matrix, zeros elsewhere."""
    wanted = resolve_dtype(dtype)
    rows, columns = _row_numbers(N, M)
    return emit("Cast", emit("LessOrEqual", emit("Sub", columns, rows), int(k)), to=wanted)


# -- windows of signal processing ----------------------------------------------------------------------------------


def _window(class_name: str, function: Callable[[int], np.ndarray], text: str) -> Callable[[Any], Any]:
    def window(x: Any) -> Any:
        return as_tensor(to_array(function(int(known_array(x, class_name))), resolve_dtype(None)))

    window.__name__ = window.__qualname__ = class_name.lower()
    window.__doc__ = text
    window.__module__ = __name__
    return window


bartlett = _window("Bartlett", np.bartlett, "A triangle of length `x` that is 0 at both ends.")
blackman = _window("Blackman", np.blackman, "`0.42 - 0.5 cos(2πi/(x-1)) + 0.08 cos(4πi/(x-1))`.")
hamming = _window("Hamming", np.hamming, "`0.54 - 0.46 cos(2πi/(x-1))`.")
hanning = _window("Hanning", np.hanning, "`0.5 - 0.5 cos(2πi/(x-1))`.")


def kaiser(x: Any, beta: Any) -> Any:
    """`i0(beta · sqrt(1 - (2i/(x-1) - 1)²)) / i0(beta)`."""
    window = np.kaiser(int(known_array(x, "kaiser")), float(known_array(beta, "kaiser's beta")))
    return as_tensor(to_array(window, resolve_dtype(None)))


@op("Vander")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803 - Keras's name
    """Powers of a vector as columns: the highest first, or last if `increasing`.

    Raises:
        ValueError: If `x` is not a vector or `N` is negative.
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"vander takes a vector, got shape {x.shape}.")
    count = as_size(sizes(x)[0] if N is None else N, "vander's N")
    if isinstance(count, int) and count < 0:
        raise ValueError(f"vander: N must not be negative, got {count}.")
    x = as_tensor(x, result_type(x, int))
    powers = emit("Range", start=0, step=1, size=count, dtype=x.dtype)
    table = emit("Pow", with_shape(x, (sizes(x)[0], 1)), powers)
    if increasing:
        return table
    last = count - 1
    return emit("Slice", table, starts=(last,), ends=(-1,), axes=(1,), steps=(-1,))
