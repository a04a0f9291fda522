"""Reading and writing parts of tensors: Python's indexing, gathers, scatters, diagonals."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cornu.ir.dim import Dim, DimLike, maximum, minimum
from cornu.ir.types import is_float
from cornu.ops.arguments import (
    as_operand,
    as_size,
    as_sizes,
    as_tensor,
    emit,
    inverse,
    known_array,
    one_axis,
    permute,
    sizes,
    with_shape,
)
from cornu.ops.dtypes import sum_type
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def as_indices(x: Any) -> Tensor:
    """A tensor of int32 or int64.

    Raises:
        TypeError: If it is not one of integers.
    """
    x = as_tensor(x)
    if is_float(x.dtype):
        raise TypeError(f"Indices are integers, got {x.dtype}.")
    return x if x.dtype in ("int32", "int64") else as_tensor(x, "int64" if x.dtype in ("uint32", "uint64") else "int32")


# -- Python's indexing ---------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """One entry of an index: what it does ("slice", "integer", "new", "array") and to which axis."""

    kind: str
    axis: int
    value: Any


@op("GetItem", tensors=2)
def get_item(x: Any, key: Any) -> Any:
    """`x[key]`, as NumPy has it: integers, slices, `None`, `...`, and arrays of integers or (known) bools.

    Raises:
        IndexError: If there are too many indices, or one is out of range.
        TypeError: If an index is something else, or a mask is computed by the program itself.
    """
    x = as_tensor(x)
    if isinstance(key, list) and any(item is None or item is Ellipsis or isinstance(item, slice) for item in key):
        key = tuple(key)  # as a key of several axes comes back from a saved model
    parts = _parse(x, key if isinstance(key, tuple) else (key,))
    if not any(part.kind == "array" for part in parts):
        return _basic(x, parts)
    return _advanced(x, parts)


def _is_mask(item: Any) -> bool:
    if isinstance(item, (bool, np.bool_)):
        return True
    if isinstance(item, (list, tuple)) and item:
        return _is_mask(item[0])
    return str(getattr(item, "dtype", "")) == "bool"


def _parse(x: Tensor, key: tuple[Any, ...]) -> list[_Part]:
    items: list[Any] = []
    for item in key:
        if item is not Ellipsis and item is not None and _is_mask(item):
            items.extend(np.nonzero(known_array(item, "A mask as an index")))
        else:
            items.append(item)
    used = builtins.sum(1 for item in items if item is not None and item is not Ellipsis)
    if builtins.sum(1 for item in items if item is Ellipsis) > 1:
        raise IndexError("An index can have only one `...`.")
    if used > x.ndim:
        raise IndexError(f"Too many indices ({used}) for a tensor of shape {x.shape}.")
    full = [slice(None)] * (x.ndim - used)
    place = next((i for i, item in enumerate(items) if item is Ellipsis), None)
    items = [*items, *full] if place is None else [*items[:place], *full, *items[place + 1 :]]
    parts, axis = [], 0
    for item in items:
        part = _part(x, item, axis)
        parts.append(part)
        axis += part.kind != "new"
    return parts


def _part(x: Tensor, item: Any, axis: int) -> _Part:
    if item is None:
        return _Part("new", axis, None)
    if isinstance(item, slice):
        return _Part("slice", axis, _bounds(item, sizes(x)[axis]))
    if isinstance(item, (int, np.integer, Dim)):
        return _Part("integer", axis, _place(item, sizes(x)[axis], x))
    if isinstance(item, (Tensor, np.ndarray, list, tuple)) or hasattr(item, "__cornu_tensor__"):
        return _Part("array", axis, as_indices(item))
    raise TypeError(f"An index is an integer, a slice, None, ... or a tensor of integers, got {item!r}.")


def _place(index: Any, size: DimLike, x: Tensor) -> DimLike:
    index = index if isinstance(index, Dim) else int(index)
    if isinstance(index, int) and isinstance(size, int) and not -size <= index < size:
        raise IndexError(f"Index {index} is out of range for an axis of {size} in shape {x.shape}.")
    return index + size if isinstance(index, int) and index < 0 else index


def _bounds(item: slice, size: DimLike) -> tuple[DimLike, DimLike, int]:
    """Exact start, end and step: what `slice.indices` gives, for symbolic sizes too."""
    step = 1 if item.step is None else int(item.step)
    if step == 0:
        raise ValueError("A slice's step must not be 0.")
    low: DimLike = 0 if step > 0 else -1
    high: DimLike = size if step > 0 else size - 1

    def bound(given: Any, default: DimLike) -> DimLike:
        if given is None:
            return default
        place = as_size(given, "A slice's bound")
        place = place + size if isinstance(place, int) and place < 0 else place
        return minimum(maximum(place, low), high)

    start = bound(item.start, low if step > 0 else high)
    end = bound(item.stop, high if step > 0 else low)
    return start, maximum(end, start) if step > 0 else minimum(end, start), step


def _slices(x: Tensor, parts: Sequence[_Part]) -> Tensor:
    """All slices and integers in one primitive; what an integer selects stays an axis of size 1."""
    ranges = []
    for part in parts:
        if part.kind == "integer":
            ranges.append((part.axis, part.value, part.value + 1, 1))
        elif part.kind == "slice" and part.value != (0, sizes(x)[part.axis], 1):
            ranges.append((part.axis, *part.value))
    if not ranges:
        return x
    axes, starts, ends, steps = zip(*ranges, strict=True)
    return emit("Slice", x, starts=starts, ends=ends, axes=axes, steps=steps)  # type: ignore[no-any-return]


def _basic(x: Tensor, parts: Sequence[_Part]) -> Tensor:
    taken = sizes(sliced := _slices(x, parts))
    shape = [1 if part.kind == "new" else taken[part.axis] for part in parts if part.kind != "integer"]
    return with_shape(sliced, shape)


def _advanced(x: Tensor, parts: Sequence[_Part]) -> Tensor:
    """Arrays (and the integers beside them) broadcast together; their axes stay in place only if adjacent."""
    x = _slices(x, [part for part in parts if part.kind == "slice"])
    chosen = [i for i, part in enumerate(parts) if part.kind in ("array", "integer")]
    arrays = [part for part in parts if part.kind in ("array", "integer")]
    adjacent = chosen == list(range(chosen[0], chosen[-1] + 1))
    kept = [part for part in parts if part.kind not in ("array", "integer")]
    before = len([part for part in parts[: chosen[0]] if part.kind in ("slice", "new")]) if adjacent else 0
    rest = [sizes(x)[part.axis] for part in kept if part.kind == "slice"]
    if len(arrays) == 1 and adjacent:
        result = emit("Gather", x, arrays[0].value, axis=arrays[0].axis)
        rank = arrays[0].value.ndim
        leading = len([part for part in parts[: chosen[0]] if part.kind == "slice"])
        order = (*range(leading, leading + rank), *range(leading), *range(leading + rank, result.ndim))
    else:
        result, rank = _gather_many(x, arrays)
        order = tuple(range(result.ndim))
    # `order` would bring the indices' axes to the front; they belong behind `before` axes of the rest.
    index_shape = [sizes(result)[i] for i in order[:rank]]
    if len(arrays) > 1 and before:
        leading = len([part for part in parts[: chosen[0]] if part.kind == "slice"])
        result = permute(result, (*range(rank, rank + leading), *range(rank), *range(rank + leading, result.ndim)))
    sized = iter(rest)
    others: list[DimLike] = [1 if part.kind == "new" else next(sized) for part in kept]
    return with_shape(result, (*others[:before], *index_shape, *others[before:]))


def _gather_many(x: Tensor, arrays: Sequence[_Part]) -> tuple[Tensor, int]:
    """Elements at several index arrays at once; the arrays' axes come first."""
    indices = [as_indices(as_tensor(part.value)) for part in arrays]
    dtype = "int64" if any(index.dtype == "int64" for index in indices) else "int32"
    shape = sizes(_broadcast(indices))
    wide = [emit("Expand", as_tensor(index, dtype), shape=shape) for index in indices]
    columns = [with_shape(index, (*shape, 1)) for index in wide]
    place = emit("Concat", *columns, axis=len(shape)) if len(columns) > 1 else columns[0]
    axes = [part.axis for part in arrays]
    moved = permute(x, (*axes, *(i for i in range(x.ndim) if i not in axes)))
    return emit("GatherND", moved, place), len(shape)


def _broadcast(tensors: Sequence[Tensor]) -> Tensor:
    """Something of the shape that the tensors broadcast to."""
    total = as_tensor(tensors[0], "int32")
    for tensor in tensors[1:]:
        total = emit("Add", total, as_tensor(tensor, "int32"))
    return total


# -- gathers -------------------------------------------------------------------------------------------------------


@op("Take", tensors=2)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements of `x` at indices along an axis, or of the flattened tensor.

    Args:
        x: A tensor.
        indices: Integers; negative ones count from the end.
        axis: The axis, which the axes of `indices` replace.
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = with_shape(x, (x.type.size,)), 0
    return emit("Gather", x, as_indices(indices), axis=one_axis(axis, x.ndim, "take"))


@op("TakeAlongAxis", tensors=2)
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """`y[i, j] = x[indices[i, j], j]` for axis 0; the other axes broadcast.

    Raises:
        ValueError: If the ranks differ.
    """
    x, indices = as_tensor(x), as_indices(indices)
    if axis is None:
        x, axis = with_shape(x, (x.type.size,)), 0
        indices = with_shape(indices, (indices.type.size,))
    if x.ndim != indices.ndim:
        raise ValueError(f"take_along_axis: `x` and `indices` have different ranks: {x.shape} and {indices.shape}.")
    place = one_axis(axis, x.ndim, "take_along_axis")
    pairs = list(zip(sizes(x), sizes(indices), strict=True))
    other = [right if left == 1 else left for left, right in pairs]
    x = _expanded(x, [pairs[i][0] if i == place else size for i, size in enumerate(other)])
    indices = _expanded(indices, [pairs[i][1] if i == place else size for i, size in enumerate(other)])
    return emit("GatherElements", x, indices, axis=place)


def _expanded(x: Tensor, shape: Sequence[DimLike]) -> Tensor:
    return x if sizes(x) == tuple(shape) else emit("Expand", x, shape=tuple(shape))


# -- blocks --------------------------------------------------------------------------------------------------------


def _start_list(start_indices: Any, rank: int, what: str) -> list[Any]:
    """One start per axis: sizes where they are known, else scalar tensors."""
    if isinstance(start_indices, (list, tuple)):
        starts = list(start_indices)
    else:
        tensor = as_tensor(start_indices)
        try:
            starts = known_array(tensor, what).reshape(-1).tolist()
        except TypeError:
            starts = [get_item(tensor, i) for i in range(rank)] if tensor.ndim else [tensor]
    if len(starts) != rank:
        raise ValueError(f"{what} takes {rank} start indices, got {len(starts)}.")
    return [_known(start) for start in starts]


def _known(start: Any) -> Any:
    if isinstance(start, (int, Dim, np.integer)):
        return start if isinstance(start, Dim) else int(start)
    try:
        return int(known_array(start, ""))
    except TypeError:
        return as_indices(start)


def _positions(start: Any, count: DimLike) -> Tensor:
    if isinstance(start, (int, Dim)):
        return emit("Range", start=start, step=1, size=count, dtype="int64")  # type: ignore[no-any-return]
    steps = emit("Range", start=0, step=1, size=count, dtype="int64")
    return emit("Add", with_shape(as_tensor(start, "int64"), (1,)), steps)  # type: ignore[no-any-return]


@op("Slice", tensors=2, module="core")
def slice_(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """The block of a shape that begins at `start_indices`, which may be computed by the program.

    Args:
        inputs: A tensor.
        start_indices: Where the block begins, one index per axis.
        shape: The block's sizes.
    """
    x = as_tensor(inputs)
    counts = as_sizes(shape)
    starts = _start_list(start_indices, x.ndim, "slice")
    known = [i for i, start in enumerate(starts) if isinstance(start, (int, Dim)) and counts[i] != sizes(x)[i]]
    if known:
        begins = tuple(starts[i] for i in known)
        ends = tuple(starts[i] + counts[i] for i in known)
        x = emit("Slice", x, starts=begins, ends=ends, axes=tuple(known), steps=(1,) * len(known))
    for i, start in enumerate(starts):
        if not isinstance(start, (int, Dim)):
            x = emit("Gather", x, _positions(start, counts[i]), axis=i)
    return x


@op("SliceUpdate", tensors=3, module="core")
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """A copy of `inputs` with the block that begins at `start_indices` replaced by `updates`."""
    x = as_tensor(inputs)
    new = as_tensor(updates, x.dtype)
    if new.ndim != x.ndim:
        raise ValueError(f"slice_update: updates of shape {new.shape} do not fit inputs of shape {x.shape}.")
    starts = _start_list(start_indices, x.ndim, "slice_update")
    if all(isinstance(start, (int, Dim)) for start in starts):
        return _replaced(x, starts, new, 0)
    axes = [i for i in range(x.ndim) if not (isinstance(starts[i], int) and sizes(new)[i] == sizes(x)[i])]
    return _scatter_block(x, axes, [starts[i] for i in axes], new)


def _replaced(x: Tensor, starts: Sequence[DimLike], new: Tensor, axis: int) -> Tensor:
    """Cuts `x` along an axis into before, block and behind, and goes on in the block."""
    while axis < x.ndim and sizes(new)[axis] == sizes(x)[axis]:
        axis += 1
    if axis == x.ndim:
        return new
    start, count, size = starts[axis], sizes(new)[axis], sizes(x)[axis]
    before, block, behind = emit("Split", x, axis=axis, sizes=(start, count, size - start - count))
    middle = _replaced(block, starts, new, axis + 1)
    parts = [before] * (start != 0) + [middle] + [behind] * (size - start - count != 0)
    return emit("Concat", *parts, axis=axis)  # type: ignore[no-any-return]


def _scatter_block(x: Tensor, axes: Sequence[int], starts: Sequence[Any], new: Tensor) -> Tensor:
    order = (*axes, *(i for i in range(x.ndim) if i not in axes))
    counts = [sizes(new)[i] for i in axes]
    columns = []
    for i, start in enumerate(starts):
        line = with_shape(_positions(start, counts[i]), tuple(counts[i] if k == i else 1 for k in range(len(axes))))
        columns.append(with_shape(emit("Expand", line, shape=tuple(counts)), (*counts, 1)))
    place = emit("Concat", *columns, axis=len(axes)) if len(columns) > 1 else columns[0]
    result = emit("ScatterND", permute(x, order), place, permute(new, order), reduction="none")
    return permute(result, inverse(order))


@op("Scatter", tensors=2, module="core")
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """A tensor of zeros with `values` added at `indices`, whose last axis is a position.

    Args:
        indices: Integers of shape [..., k].
        values: A tensor of shape [..., *shape[k:]].
        shape: The result's sizes.
    """
    values = as_tensor(values)
    zeros = emit("Expand", as_tensor(0, values.dtype), shape=as_sizes(shape))
    return emit("ScatterND", zeros, as_indices(indices), values, reduction="add")


@op("ScatterUpdate", tensors=3, module="core")
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """A copy of `inputs` with `updates` written at `indices`, whose last axis is a position.

    Args:
        inputs: A tensor.
        indices: Integers of shape [n, k].
        updates: A tensor of shape [n, *inputs.shape[k:]].
        reduction: None to replace, or "add", "mul", "max" or "min".

    Raises:
        ValueError: If the reduction is another.
    """
    if reduction not in (None, "add", "mul", "max", "min"):
        raise ValueError(f"scatter_update: reduction is None, 'add', 'mul', 'max' or 'min', got {reduction!r}.")
    x, new = as_tensor(inputs), as_operand(updates)
    return emit("ScatterND", x, as_indices(indices), as_tensor(new, x.dtype), reduction=reduction or "none")


# -- diagonals and triangles ---------------------------------------------------------------------------------------


@op("Diagonal")
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements `x[i, i + offset]` of the plane of two axes, as a new last axis.

    Raises:
        ValueError: If `x` is not at least a matrix.
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"diagonal takes at least a matrix, got shape {x.shape}.")
    first, second = one_axis(axis1, x.ndim, "diagonal"), one_axis(axis2, x.ndim, "diagonal")
    x = permute(x, (*(i for i in range(x.ndim) if i not in (first, second)), first, second))
    *outer, rows, columns = sizes(x)
    down, across = builtins.max(-offset, 0), builtins.max(offset, 0)
    length = maximum(minimum(rows - down, columns - across), 0)
    flat = with_shape(x, (*outer, rows * columns))
    start, step, axis = down * columns + across, columns + 1, len(outer)
    if isinstance(step, int) and isinstance(length, int) and length:
        end = start + (length - 1) * step + 1
        return emit("Slice", flat, starts=(start,), ends=(end,), axes=(axis,), steps=(step,))
    return emit("Gather", flat, emit("Range", start=start, step=step, size=length, dtype="int64"), axis=axis)


@op("Diag")
def diag(x: Any, k: int = 0) -> Any:
    """Of a vector the matrix with it on the k-th diagonal; of a matrix its k-th diagonal.

    Raises:
        ValueError: If `x` is neither.
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, got shape {x.shape}.")
    return diag_matrix(x, k)


def diag_matrix(x: Tensor, k: int) -> Tensor:
    """The matrix with a vector on its k-th diagonal: its elements lie `m + 1` apart in the flattened matrix."""
    if x.dtype == "bool":
        return as_tensor(diag_matrix(as_tensor(x, "uint8"), k), "bool")
    n = sizes(x)[0]
    m = n + builtins.abs(k)
    spread = emit("Pad", with_shape(x, (n, 1)), before=(0, 0), after=(0, m), value=0, mode="constant")
    flat = with_shape(spread, (n * (m + 1),))
    before = k if k > 0 else -k * m
    surplus = (k - 1) * m if k > 0 else -n
    after = surplus if k > 0 else 0
    flat = emit("Pad", flat, before=(before,), after=(after,), value=0, mode="constant") if k else flat
    if k <= 0:
        flat = emit("Slice", flat, starts=(0,), ends=(m * m,), axes=(0,), steps=(1,))
    return with_shape(flat, (m, m))


@op("Diagflat")
def diagflat(x: Any, k: int = 0) -> Any:
    """The matrix with all elements of `x` on its k-th diagonal."""
    x = as_tensor(x)
    return diag_matrix(with_shape(x, (x.type.size,)), k)


@op("Trace")
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    line = diagonal(x, offset, axis1, axis2)
    return emit("ReduceSum", as_tensor(line, sum_type(line.dtype)), axes=(line.ndim - 1,), keepdims=False)


@op("Tril")
def tril(x: Any, k: int = 0) -> Any:
    """What lies at and below the k-th diagonal; zeros elsewhere."""
    return emit("Trilu", as_tensor(x), upper=False, k=int(k))


@op("Triu")
def triu(x: Any, k: int = 0) -> Any:
    """What lies at and above the k-th diagonal; zeros elsewhere."""
    return emit("Trilu", as_tensor(x), upper=True, k=int(k))


@op("UnravelIndex")
def unravel_index(indices: Any, shape: Any) -> Any:
    """From positions in the flattened tensor to one index per axis, as a tuple."""
    rest = as_indices(indices)
    found = []
    for size in reversed(as_sizes(shape)):
        width = as_tensor(size, rest.dtype)
        found.append(emit("Mod", rest, width))
        rest = emit("Div", rest, width)
    return tuple(reversed(found))
