"""Reductions over axes, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.ir.dim import product
from cornu.ir.types import is_float
from cornu.ops.arguments import all_axes, as_operand, as_tensor, emit, float_tensor, one_axis, sizes, with_shape
from cornu.ops.dtypes import at_least_int32, float_type, sum_type
from cornu.ops.logic import as_bool
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def reduce(primitive: str, x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """A reduction, left out over no axes."""
    return emit(primitive, x, axes=axes, keepdims=keepdims) if axes else x


def count_of(x: Tensor, axes: tuple[int, ...]) -> Any:
    """How many elements the axes hold, as a number or a size."""
    return product([sizes(x)[axis] for axis in axes])


@op("Sum")
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes; small integers are added up in 32 bits."""
    x = as_tensor(x)
    axes = all_axes(axis, x.ndim, "sum")
    return reduce("ReduceSum", as_tensor(x, sum_type(x.dtype)), axes, keepdims)


@op("Mean")
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes, a float."""
    x = float_tensor(x)
    return reduce("ReduceMean", x, all_axes(axis, x.ndim, "mean"), keepdims)


@op("Prod")
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes; small integers are multiplied in 32 bits."""
    from cornu.utils.dtypes import resolve_dtype

    x = as_tensor(x)
    wanted = sum_type(x.dtype) if dtype is None else resolve_dtype(dtype)
    return reduce("ReduceProd", as_tensor(x, wanted), all_axes(axis, x.ndim, "prod"), keepdims)


def _extreme(primitive: str, choose: str, x: Any, axis: Any, keepdims: bool, initial: Any) -> Any:
    x = as_tensor(x)
    axes = all_axes(axis, x.ndim, primitive)
    number = as_tensor(x, at_least_int32(x.dtype))
    if initial is None and any(size == 0 for size in (sizes(x)[axis] for axis in axes)):
        raise ValueError(f"{primitive}: axes {axes} of shape {x.shape} are empty, and there is no `initial`.")
    result = reduce(primitive, number, axes, keepdims)
    if initial is not None:
        result = emit(choose, result, as_tensor(as_operand(initial), number.dtype))
    return as_tensor(result, x.dtype)


@op("Max")
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest element over axes, and not below `initial`.

    Raises:
        ValueError: If there is no element and no `initial`.
    """
    return _extreme("ReduceMax", "Max", x, axis, keepdims, initial)


@op("Min")
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest element over axes, and not above `initial`.

    Raises:
        ValueError: If there is no element and no `initial`.
    """
    return _extreme("ReduceMin", "Min", x, axis, keepdims, initial)


@op("Amax")
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element over axes."""
    return _extreme("ReduceMax", "Max", x, axis, keepdims, None)


@op("Amin")
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element over axes."""
    return _extreme("ReduceMin", "Min", x, axis, keepdims, None)


@op("Ptp")
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element minus the smallest.

    Raises:
        TypeError: If `x` is bool.
    """
    x = as_tensor(x)
    return emit("Sub", amax(x, axis, keepdims), amin(x, axis, keepdims))


def deviations(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The elements minus their mean over the axes."""
    return emit("Sub", x, reduce("ReduceMean", x, axes, True))  # type: ignore[no-any-return]


@op("Var")
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean squared deviation from the mean."""
    x = float_tensor(x)
    axes = all_axes(axis, x.ndim, "var")
    off = deviations(x, axes)
    return reduce("ReduceMean", emit("Mul", off, off), axes, keepdims)


@op("Std")
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of the variance."""
    return emit("Sqrt", var(x, axis, keepdims))


@op("CountNonzero")
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not 0, as int32."""
    x = as_bool(x)
    return reduce("ReduceSum", emit("Cast", x, to="int32"), all_axes(axis, x.ndim, "count_nonzero"), False)


@op("Average")
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean, weighted by `weights` of the same shape or, along one axis, of that axis's length.

    Raises:
        ValueError: If the weights fit neither.
    """
    if weights is None:
        return mean(x, axis)
    x, weights = as_operand(x), as_operand(weights)
    dtype = float_type(x, weights)
    x, weights = as_tensor(x, dtype), as_tensor(weights, dtype)
    if weights.ndim != x.ndim:
        if axis is None or isinstance(axis, (tuple, list)) or weights.ndim != 1:
            raise ValueError(f"average: weights of shape {weights.shape} do not fit {x.shape} along axis {axis}.")
        place = one_axis(axis, x.ndim, "average")
        weights = with_shape(weights, tuple(sizes(weights)[0] if i == place else 1 for i in range(x.ndim)))
    axes = all_axes(axis, x.ndim, "average")
    total = reduce("ReduceSum", emit("Mul", x, weights), axes, False)
    whole = emit("Expand", weights, shape=sizes(x))
    return emit("Div", total, reduce("ReduceSum", whole, axes, False))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`log(sum(exp(x)))` over axes, without overflow."""
    x = float_tensor(x)
    axes = all_axes(axis, x.ndim, "logsumexp")
    largest = reduce("ReduceMax", x, axes, True)
    # An infinite maximum would give inf - inf.
    finite = emit("Equal", emit("Sub", largest, largest), 0.0)
    shift = emit("StopGradient", emit("Where", finite, largest, as_tensor(0.0, x.dtype)))
    total = reduce("ReduceSum", emit("Exp", emit("Sub", x, shift)), axes, True)
    result = emit("Add", emit("Log", total), shift)
    return result if keepdims else drop_axes(result, axes)


logsumexp = op("Logsumexp", module="math")(logsumexp)


def drop_axes(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`x` without axes of size 1."""
    return with_shape(x, tuple(size for i, size in enumerate(sizes(x)) if i not in axes))


# -- positions and running results ---------------------------------------------------------------------------------


def _argument(primitive: str, x: Any, axis: Any, keepdims: bool) -> Any:
    x = as_tensor(x)
    number = as_tensor(x, at_least_int32(x.dtype))
    if axis is None:
        flat = with_shape(number, (number.type.size,))
        found = emit("Cast", emit(primitive, flat, axis=0, keepdims=False), to="int32")
        return with_shape(found, (1,) * x.ndim) if keepdims else found
    place = one_axis(axis, x.ndim, primitive)
    return emit("Cast", emit(primitive, number, axis=place, keepdims=keepdims), to="int32")


@op("Argmax")
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first largest element along an axis, or in the flattened tensor, as int32."""
    return _argument("ArgMax", x, axis, keepdims)


@op("Argmin")
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first smallest element along an axis, or in the flattened tensor, as int32."""
    return _argument("ArgMin", x, axis, keepdims)


def _cumulative(primitive: str, x: Any, axis: Any, dtype: Any) -> Any:
    from cornu.utils.dtypes import resolve_dtype

    x = as_tensor(x)
    x = as_tensor(x, at_least_int32(x.dtype) if dtype is None else at_least_int32(resolve_dtype(dtype)))
    if axis is None:
        x, axis = with_shape(x, (x.type.size,)), 0
    return emit(primitive, x, axis=one_axis(axis, x.ndim, primitive), exclusive=False, reverse=False)


@op("Cumsum")
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums along an axis, or of the flattened tensor."""
    return _cumulative("CumSum", x, axis, dtype)


@op("Cumprod")
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running products along an axis, or of the flattened tensor."""
    return _cumulative("CumProd", x, axis, dtype)


# -- ignoring NaN --------------------------------------------------------------------------------------------------


def _replacing_nan(function: Callable[..., Any], value: float) -> Callable[..., Any]:
    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = as_tensor(x)
        if is_float(x.dtype):
            x = emit("Where", emit("IsNaN", x), as_tensor(value, x.dtype), x)
        return function(x, *args, **kwargs)

    return run


@op("Nansum")
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes with NaN as 0."""
    return _replacing_nan(sum, 0.0)(x, axis, keepdims)


@op("Nanprod")
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product over axes with NaN as 1."""
    return _replacing_nan(prod, 1.0)(x, axis, keepdims)


@op("Nancumsum")
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums with NaN as 0."""
    return _replacing_nan(cumsum, 0.0)(x, axis, dtype)


@op("Nancumprod")
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running products with NaN as 1."""
    return _replacing_nan(cumprod, 1.0)(x, axis, dtype)


def _nan_extreme(function: Callable[..., Any], start: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x = as_tensor(x)
    result = _replacing_nan(function, start)(x, axis, keepdims)
    if not is_float(x.dtype):
        return result
    axes = all_axes(axis, x.ndim, "nanmax or nanmin")
    missing = reduce("ReduceMin", emit("Cast", emit("IsNaN", x), to="int32"), axes, keepdims)
    return emit("Where", emit("Equal", missing, 1), as_tensor(float("nan"), x.dtype), result)


@op("Nanmax")
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element that is not NaN; NaN if there is none."""
    return _nan_extreme(amax, float("-inf"), x, axis, keepdims)


@op("Nanmin")
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element that is not NaN; NaN if there is none."""
    return _nan_extreme(amin, float("inf"), x, axis, keepdims)


@op("Nanargmax")
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first largest element that is not NaN; -1 if there is none."""
    return _nan_argument(argmax, float("-inf"), x, axis, keepdims)


@op("Nanargmin")
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first smallest element that is not NaN; -1 if there is none."""
    return _nan_argument(argmin, float("inf"), x, axis, keepdims)


def _nan_argument(function: Callable[..., Any], start: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x = as_tensor(x)
    found = _replacing_nan(function, start)(x, axis, keepdims)
    if not is_float(x.dtype):
        return found
    axes = all_axes(axis, x.ndim, "nanargmax or nanargmin")
    missing = reduce("ReduceMin", emit("Cast", emit("IsNaN", x), to="int32"), axes, keepdims)
    return emit("Where", emit("Equal", missing, 1), as_tensor(-1, "int32"), found)


def _present(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """How many elements are not NaN."""
    there = emit("Cast", emit("Not", emit("IsNaN", x)), to=x.dtype)
    return reduce("ReduceSum", there, axes, keepdims)


@op("Nanmean")
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of the elements that are not NaN."""
    x = float_tensor(x)
    axes = all_axes(axis, x.ndim, "nanmean")
    return emit("Div", nansum(x, axis, keepdims), _present(x, axes, keepdims))


@op("Nanvar")
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance of the elements that are not NaN."""
    x = float_tensor(x)
    off = emit("Sub", x, nanmean(x, axis, True))
    return nanmean(emit("Mul", off, off), axis, keepdims)


@op("Nanstd")
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation of the elements that are not NaN."""
    return emit("Sqrt", nanvar(x, axis, keepdims))
