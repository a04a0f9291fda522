"""Conversions, sizes, and the functions that change how a program is run or differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.ir.dim import Dim
from cornu.ir.types import is_float, numpy_dtype
from cornu.ops.arguments import as_operand, as_tensor, emit
from cornu.ops.keras_tensor import KerasTensor
from cornu.ops.operation import op
from cornu.tracing import custom_gradient as _custom_gradient
from cornu.tracing import is_tensor as _is_tensor
from cornu.tracing.tensor import dims
from cornu.utils.dtypes import resolve_dtype


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes: numbers, and expressions that arithmetic works on where a size is symbolic.

    Of a KerasTensor, free sizes are None, as in Keras.
    """
    if isinstance(x, KerasTensor):
        return x.shape
    if hasattr(x, "__cornu_tensor__") or isinstance(x, (list, tuple)):
        return as_tensor(x).type.shape
    return dims(x)


def size(x: Any) -> Any:
    """The number of elements, as an int32 scalar; a plain number where it is known."""
    from cornu.ir.dim import product

    if isinstance(x, KerasTensor):
        return _size(x)
    return _size(x) if isinstance(product(shape(x)), Dim) else int(product(shape(x)))


@op("Size")
def _size(x: Any) -> Any:
    return as_tensor(as_tensor(x).type.size, "int32")


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape(x))


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return str(x.dtype) if isinstance(x, KerasTensor) else as_tensor(x).dtype


def is_tensor(x: Any) -> bool:
    """True for tensors, also for those inside a trace and for KerasTensors."""
    return _is_tensor(x) or isinstance(x, KerasTensor)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """A tensor of an array, number, variable or nested list.

    Args:
        x: What to convert.
        dtype: The dtype; by default its own, and for Python's numbers the configured float type or int32.
        sparse: Must not be True: there are no sparse tensors here.
        ragged: Must not be True: there are no ragged tensors here.

    Raises:
        ValueError: If a sparse or ragged tensor is asked for.
        TypeError: If `x` is not numeric.

    Example:
        >>> convert_to_tensor([1, 2]).dtype
        'int32'
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: sparse and ragged tensors are not supported.")
    wanted = None if dtype is None else resolve_dtype(dtype)
    if isinstance(x, KerasTensor):
        return x if wanted in (None, x.dtype) else cast(x, wanted)
    return as_tensor(x, wanted)


def convert_to_numpy(x: Any) -> np.ndarray:
    """A NumPy array of a tensor, variable or list.

    Raises:
        TypeError: For a tensor inside a trace, which has no numbers yet.
    """
    return np.asarray(as_tensor(x) if isinstance(x, (list, tuple)) else x)


@op("Cast", module="core")
def cast(x: Any, dtype: Any) -> Any:
    """The numbers in another dtype; floats lose their fraction on the way to integers."""
    return as_tensor(as_operand(x), resolve_dtype(dtype))


@op("SaturateCast", module="core")
def saturate_cast(x: Any, dtype: Any) -> Any:
    """The numbers in another dtype, those beyond its range as its smallest or largest."""
    x = as_tensor(x)
    wanted = resolve_dtype(dtype)
    if wanted == x.dtype or "bool" in (wanted, x.dtype):
        return as_tensor(x, wanted)
    low, high = _limits(wanted)
    own_low, own_high = _limits(x.dtype)
    bounded = x
    if low > own_low:
        bounded = emit("Max", bounded, as_tensor(np.asarray(_inside(low, x.dtype, up=True), numpy_dtype(x.dtype))))
    if high < own_high:
        bounded = emit("Min", bounded, as_tensor(np.asarray(_inside(high, x.dtype, up=False), numpy_dtype(x.dtype))))
    result = as_tensor(bounded, wanted)
    if not is_float(x.dtype) or is_float(wanted):
        return result
    # The largest number of the dtype may lie between two floats, and NaN becomes 0.
    limit = as_tensor(np.asarray(high, numpy_dtype(wanted)))
    result = emit("Where", emit("GreaterOrEqual", x, float(high)), limit, result)
    return emit("Where", emit("IsNaN", x), as_tensor(0, wanted), result)


def _limits(dtype: str) -> tuple[float, float]:
    import ml_dtypes

    if not is_float(dtype):
        integers = np.iinfo(numpy_dtype(dtype))
        return int(integers.min), int(integers.max)
    floats: Any = ml_dtypes.finfo(numpy_dtype(dtype))  # type: ignore[no-untyped-call]
    return float(floats.min), float(floats.max)


def _inside(limit: float, dtype: str, up: bool) -> Any:
    """The limit in a dtype, rounded to the side on which it is still within range."""
    if not is_float(dtype):
        return limit
    number = np.asarray(limit, numpy_dtype(dtype))
    beyond = float(number) < limit if up else float(number) > limit
    if not beyond:
        return number
    return np.nextafter(number.astype(np.float32), np.float32(0)) if dtype != "float64" else np.nextafter(number, 0.0)


@op("StopGradient", module="core")
def stop_gradient(variable: Any) -> Any:
    """The same numbers, constant for differentiation."""
    return emit("StopGradient", as_tensor(variable))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a function its own gradient: it returns `(result, grad)`, and `grad(*args, upstream=...)` the cotangents.

    Args:
        f: From tensors to a result and a function of the result's cotangent that gives one per input.
    """
    return _custom_gradient(f)


@op("View")
def view(x: Any, dtype: Any = None) -> Any:
    """The same bits read as another dtype of the same width.

    Raises:
        TypeError: If the widths differ, or the numbers are computed by the program itself.
    """
    from cornu.ops.arguments import known_array

    x = as_tensor(x)
    if dtype is None or resolve_dtype(dtype) == x.dtype:
        return x
    array = known_array(x, "view's input")
    return as_tensor(np.ascontiguousarray(array).view(numpy_dtype(resolve_dtype(dtype))))
