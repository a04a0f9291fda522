"""Sorting, counting, looking up; quantiles."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from cornu.ir.dim import product
from cornu.ops.arguments import (
    all_axes,
    as_operand,
    as_tensor,
    emit,
    float_tensor,
    known_array,
    one_axis,
    permute,
    same_type,
    sizes,
    with_shape,
)
from cornu.ops.dtypes import at_least_int32, float_type
from cornu.ops.indexing import as_indices
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def _ordered(x: Any, axis: int | None, what: str) -> tuple[Tensor, Tensor, str]:
    """Ascending values, their indices, and the dtype asked for."""
    x = as_tensor(x)
    if axis is None:
        x, axis = with_shape(x, (x.type.size,)), 0
    place = one_axis(axis, x.ndim, what)
    number = as_tensor(x, at_least_int32(x.dtype))
    values, indices = emit("TopK", number, k=sizes(x)[place], axis=place, largest=False, sorted=True)
    return values, indices, x.dtype


@op("Sort")
def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in ascending order along an axis; of the flattened tensor if that is None."""
    values, _, dtype = _ordered(x, axis, "sort")
    return as_tensor(values, dtype)


@op("Argsort")
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The indices that sort along an axis, as int32; equal elements keep their order."""
    return as_tensor(_ordered(x, axis, "argsort")[1], "int32")


@op("Argpartition")
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Indices of an order in which the element at `kth` is where sorting puts it, smaller ones before it.

    Raises:
        ValueError: If `kth` is out of range.
    """
    found = argsort(x, axis)
    size = sizes(found)[found.ndim - 1 if axis is None else one_axis(axis, found.ndim, "argpartition")]
    if isinstance(size, int) and not -size <= kth < size:
        raise ValueError(f"argpartition: kth={kth} is out of range for an axis of {size}.")
    return found


@op("TopK", module="math")
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The `k` largest elements along the last axis, and their int32 indices.

    Args:
        x: A tensor.
        k: How many.
        sorted: Whether they must come largest first.
    """
    x = as_tensor(x)
    number = as_tensor(x, at_least_int32(x.dtype))
    values, indices = emit("TopK", number, k=k, axis=one_axis(-1, x.ndim, "top_k"), largest=True, sorted=sorted)
    return as_tensor(values, x.dtype), as_tensor(indices, "int32")


@op("InTopK", tensors=2, module="math")
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the prediction of each target is among the `k` largest of its row; those equal to the k-th are.

    Args:
        targets: Class indices of shape [...].
        predictions: Scores of shape [..., classes].
        k: How many count.
    """
    targets, predictions = as_indices(targets), as_tensor(predictions)
    last = predictions.ndim - 1
    classes = as_tensor(sizes(predictions)[last], targets.dtype)
    inside = emit("And", emit("GreaterOrEqual", targets, 0), emit("Less", targets, classes))
    place = emit("Mul", targets, emit("Cast", inside, to=targets.dtype))
    own = emit("GatherElements", predictions, with_shape(place, (*sizes(targets), 1)), axis=last)
    better = emit("Cast", emit("Greater", predictions, own), to="int32")
    below = emit("Less", emit("ReduceSum", better, axes=(last,), keepdims=False), int(k))
    # A target that is NaN, or has an index out of range, is never among them.
    number = emit("Not", emit("IsNaN", with_shape(own, sizes(targets))))
    inside = emit(
        "And",
        emit("GreaterOrEqual", targets, 0),
        emit("Less", targets, as_tensor(sizes(predictions)[last], targets.dtype)),
    )
    return emit("And", below, emit("And", number, inside))


# -- results whose size depends on the numbers ---------------------------------------------------------------------


@op("Nonzero")
def nonzero(x: Any) -> Any:
    """The indices of the elements that are not 0: a tuple of one int32 vector per axis.

    Raises:
        TypeError: Inside a trace, where the size of the result is unknown.
    """
    found = np.nonzero(known_array(x, "nonzero's input (its result's size depends on it)"))
    return tuple(as_tensor(part.astype(np.int32)) for part in found)


@op("Unique")
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements, in ascending order.

    Args:
        x: A tensor, known when the program is traced.
        sorted: Kept for the signature: the result is sorted either way.
        return_index: Whether to return where each is first found.
        return_inverse: Whether to return the place in the result of each element.
        return_counts: Whether to return how often each occurs.
        axis: The axis whose slices are compared; the flattened tensor if missing.
        size: How many to return: cut, or filled up with `fill_value`.
        fill_value: The filling; by default the smallest element.

    Raises:
        TypeError: Inside a trace, where the size of the result is unknown.
    """
    array = known_array(x, "unique's input (its result's size depends on it)")
    results = list(np.unique(array, return_index=True, return_inverse=True, return_counts=True, axis=axis))
    place = 0 if axis is None else axis
    if size is not None:
        results = [
            _resized(results[0], size, place, fill_value),
            _resized(results[1], size, 0, None),
            results[2],
            _resized(results[3], size, 0, 0),
        ]
    wanted = (True, return_index, return_inverse, return_counts)
    given = [as_tensor(r if i == 0 else r.astype(np.int32)) for i, r in enumerate(results) if wanted[i]]
    return given[0] if len(given) == 1 else tuple(given)


def _resized(array: np.ndarray, size: int, axis: int, fill: Any) -> np.ndarray:
    missing = size - array.shape[axis]
    if missing <= 0:
        return np.take(array, np.arange(size), axis)
    filling = np.take(array, [0], axis) if fill is None else np.full_like(np.take(array, [0], axis), fill)
    return np.concatenate([array, np.repeat(filling, missing, axis)], axis)


@op("Bincount")
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each of `0, 1, 2, ...` occurs in a vector, or in each row of a matrix.

    Args:
        x: Integers that are not negative.
        weights: What each counts, 1 by default.
        minlength: The least length of the result. Inside a trace, where the largest element is unknown, its length.
        sparse: Must be False: there are no sparse tensors here.

    Raises:
        ValueError: If `sparse`, or inside a trace without `minlength`.
    """
    if sparse:
        raise ValueError("bincount: sparse tensors are not supported.")
    x = as_indices(x)
    length = minlength
    if not length or not _unknown(x):
        array = known_array(x, "bincount's input, without minlength,")
        length = builtins.max(minlength, int(array.max()) + 1 if array.size else 0)
    hits = emit("Equal", with_shape(x, (*sizes(x), 1)), emit("Range", start=0, step=1, size=length, dtype=x.dtype))
    if weights is None:
        counts = emit("Cast", hits, to="int32")
    else:
        value = as_tensor(weights)
        value = as_tensor(value, at_least_int32(value.dtype))
        counts = emit("Mul", emit("Cast", hits, to=value.dtype), with_shape(value, (*sizes(x), 1)))
    return emit("ReduceSum", counts, axes=(x.ndim - 1,), keepdims=False)


def _unknown(x: Tensor) -> bool:
    try:
        known_array(x, "")
    except TypeError:
        return True
    return False


# -- looking up ----------------------------------------------------------------------------------------------------


@op("SearchSorted", tensors=2)
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where values belong in an ascending vector: how many of its elements are below (or not above) them, as int32.

    Args:
        sorted_sequence: A vector in ascending order.
        values: What to look up.
        side: "left" counts the elements below, "right" those not above.

    Raises:
        ValueError: If the sequence is not a vector or the side is neither.
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side is 'left' or 'right', got {side!r}.")
    row, values = same_type(sorted_sequence, values)
    if row.ndim != 1:
        raise ValueError(f"searchsorted takes a vector, got shape {row.shape}.")
    smaller = emit("Less" if side == "left" else "LessOrEqual", row, with_shape(values, (*sizes(values), 1)))
    return emit("ReduceSum", emit("Cast", smaller, to="int32"), axes=(values.ndim,), keepdims=False)


@op("Digitize", tensors=2)
def digitize(x: Any, bins: Any) -> Any:
    """The number of the bin that each element falls into, for ascending bounds: `bins[i-1] <= x < bins[i]`."""
    return searchsorted(bins, x, side="right")


@op("Histogram")
def histogram(x: Any, bins: int = 10, range: Any = None) -> Any:
    """How many elements fall into each of equally wide bins, and the bins' bounds.

    Args:
        x: A tensor.
        bins: The number of bins.
        range: The lowest and highest bound; by default the smallest and largest element.

    Raises:
        ValueError: If there is no bin, or the range is empty.
    """
    from cornu.ops.creation import linspace
    from cornu.ops.reductions import amax, amin

    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"histogram: bins must be a positive integer, got {bins!r}.")
    if range is not None and (len(range) != 2 or range[0] >= range[1]):
        raise ValueError(f"histogram: range must be (low, high) with low < high, got {range}.")
    x = float_tensor(x)
    flat = with_shape(x, (x.type.size,))
    low, high = (amin(flat), amax(flat)) if range is None else (as_tensor(r, x.dtype) for r in range)
    if range is None:
        flat_range = emit("Cast", emit("Equal", low, high), to=x.dtype)
        low, high = emit("Sub", low, emit("Mul", flat_range, 0.5)), emit("Add", high, emit("Mul", flat_range, 0.5))
    edges = linspace(low, high, bins + 1, dtype=x.dtype)
    number = emit("Sub", searchsorted(edges, flat, side="right"), 1)
    # The last bin includes its upper bound.
    number = emit("Sub", number, emit("Cast", emit("Equal", flat, high), to="int32"))
    inside = emit(
        "Equal", with_shape(number, (*sizes(number), 1)), emit("Range", start=0, step=1, size=bins, dtype="int32")
    )
    counts = emit("ReduceSum", emit("Cast", inside, to="int32"), axes=(0,), keepdims=False)
    return counts, edges


# -- quantiles -----------------------------------------------------------------------------------------------------

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantiles(x: Any, q: Any, axis: Any, method: str, keepdims: bool, skip_nan: bool) -> Any:
    if method not in METHODS:
        raise ValueError(f"quantile: method is one of {METHODS}, got {method!r}.")
    x = as_operand(x)
    q = as_operand(q)
    dtype = float_type(x, q) if not isinstance(q, float) else float_type(x)
    x, q = as_tensor(x, dtype), as_tensor(q, dtype)
    axes = all_axes(axis, x.ndim, "quantile")
    kept = [i for i in builtins.range(x.ndim) if i not in axes]
    rows = permute(x, (*kept, *axes))
    outer = tuple(sizes(x)[i] for i in kept)
    count = product([sizes(x)[i] for i in axes])
    rows = with_shape(rows, (*outer, count))
    ordered = emit("TopK", rows, k=count, axis=len(outer), largest=False, sorted=True)[0]
    missing = emit("Cast", emit("IsNaN", rows), to=dtype)
    nans = emit("ReduceSum", missing, axes=(len(outer),), keepdims=True)
    last = emit("Sub", as_tensor(as_tensor(count), dtype), 1.0)
    if skip_nan:
        last = emit("Max", emit("Sub", last, nans), as_tensor(0.0, dtype))
    flat_q = with_shape(q, (q.type.size,))
    place = emit("Mul", flat_q, last)
    place = emit("Expand", place, shape=(*outer, q.type.size)) if sizes(place) != (*outer, q.type.size) else place
    result = _interpolate(ordered, place, len(outer), method)
    if not skip_nan:
        result = emit("Where", emit("Greater", nans, 0.0), as_tensor(float("nan"), dtype), result)
    result = permute(result, (len(outer), *builtins.range(len(outer))))
    shape = tuple(1 if i in axes else sizes(x)[i] for i in builtins.range(x.ndim)) if keepdims else outer
    return with_shape(result, (*sizes(q), *shape))


def _interpolate(ordered: Tensor, place: Tensor, axis: int, method: str) -> Tensor:
    def at(position: Tensor) -> Any:
        return emit("GatherElements", ordered, emit("Cast", position, to="int64"), axis=axis)

    if method in ("lower", "higher", "nearest"):
        return at(emit({"lower": "Floor", "higher": "Ceil", "nearest": "Round"}[method], place))  # type: ignore[no-any-return]
    below = emit("Floor", place)
    low, high = at(below), at(emit("Ceil", place))
    if method == "midpoint":
        return emit("Mul", emit("Add", low, high), 0.5)  # type: ignore[no-any-return]
    # Not low + f (high - low), which is NaN between two equal infinities.
    fraction = emit("Sub", place, below)
    blend = emit("Add", emit("Mul", low, emit("Sub", 1.0, fraction)), emit("Mul", high, fraction))
    return emit("Where", emit("Equal", low, high), low, blend)  # type: ignore[no-any-return]


@op("Quantile", tensors=2)
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The value below which a share `q` of the elements lies.

    Args:
        x: A tensor.
        q: Shares in [0, 1]; their axes come first in the result.
        axis: The axes to take together; all by default.
        method: Between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
        keepdims: Whether reduced axes stay with size 1.

    Raises:
        ValueError: If the method is another.
    """
    return _quantiles(x, q, axis, method, keepdims, skip_nan=False)


@op("Nanquantile", tensors=2)
def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Like `quantile`, of the elements that are not NaN."""
    return _quantiles(x, q, axis, method, keepdims, skip_nan=True)


def _hundredth(q: Any) -> Any:
    return q / 100 if isinstance(q, (int, float)) else emit("Mul", float_tensor(q), 0.01)


@op("Percentile", tensors=2)
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Like `quantile`, with `q` in percent."""
    return quantile(x, _hundredth(q), axis, method, keepdims)


@op("Nanpercentile", tensors=2)
def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Like `percentile`, of the elements that are not NaN."""
    return nanquantile(x, _hundredth(q), axis, method, keepdims)


@op("Median")
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle element, or the mean of the two middle ones; NaN if one is NaN."""
    return quantile(x, 0.5, axis, "linear", keepdims)


@op("Nanmedian")
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The median of the elements that are not NaN."""
    return nanquantile(x, 0.5, axis, "linear", keepdims)
