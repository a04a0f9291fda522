"""The same elements in other shapes and orders; joining, splitting, padding, repeating."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from cornu.ir.dim import Dim, DimLike, maximum, minimum, product
from cornu.ops.arguments import (
    all_axes,
    as_size,
    as_sizes,
    as_tensor,
    emit,
    known_array,
    one_axis,
    permute,
    same_type,
    sizes,
    with_shape,
)
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


@op("Reshape")
def reshape(x: Any, newshape: Any) -> Any:
    """The elements in another shape.

    Args:
        x: A tensor.
        newshape: The sizes; one may be -1 (or None) and is what the others leave over.

    Raises:
        ValueError: If the sizes do not hold the elements.
    """
    x = as_tensor(x)
    wanted = known_array(newshape, "reshape's newshape").tolist() if isinstance(newshape, Tensor) else newshape
    wanted = (wanted,) if isinstance(wanted, (int, Dim, np.integer)) else wanted
    return emit("Reshape", x, shape=_completed(x, [_new_size(size) for size in wanted]))


def _new_size(size: Any) -> DimLike:
    return -1 if size is None else as_size(size, "reshape's newshape")


def _completed(x: Tensor, shape: list[DimLike]) -> tuple[DimLike, ...]:
    free = [i for i, size in enumerate(shape) if isinstance(size, int) and size == -1]
    if any(isinstance(size, int) and size < -1 for size in shape) or len(free) > 1:
        raise ValueError(f"reshape: newshape {tuple(shape)} has more than one unknown or a negative size.")
    if not free:
        return tuple(shape)
    rest = product([size for i, size in enumerate(shape) if i != free[0]])
    total = x.type.size
    if rest == 0 or (isinstance(total, int) and isinstance(rest, int) and total % rest):
        raise ValueError(f"reshape: {x.shape} ({total} elements) does not fit newshape {tuple(shape)}.")
    shape[free[0]] = total // rest
    return tuple(shape)


@op("Ravel")
def ravel(x: Any) -> Any:
    """All elements as a vector."""
    x = as_tensor(x)
    return emit("Reshape", x, shape=(x.type.size,))


@op("Transpose")
def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in another order; reversed by default.

    Raises:
        ValueError: If `axes` is not an order of the axes.
    """
    x = as_tensor(x)
    order = tuple(reversed(range(x.ndim))) if axes is None else tuple(one_axis(a, x.ndim, "transpose") for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"transpose: axes {axes} are not an order of the {x.ndim} axes of shape {x.shape}.")
    return permute(x, order)


@op("Swapaxes")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    x = as_tensor(x)
    first, second = one_axis(axis1, x.ndim, "swapaxes"), one_axis(axis2, x.ndim, "swapaxes")
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return permute(x, order)


@op("Moveaxis")
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes at other places; the others keep their order.

    Raises:
        ValueError: If there are not as many destinations as sources.
    """
    x = as_tensor(x)
    sources = [source] if isinstance(source, int) else list(source)
    targets = [destination] if isinstance(destination, int) else list(destination)
    if len(sources) != len(targets):
        raise ValueError(f"moveaxis takes as many destinations as sources, got {targets} and {sources}.")
    moved = dict(
        zip(
            (one_axis(a, x.ndim, "moveaxis") for a in targets),
            (one_axis(a, x.ndim, "moveaxis") for a in sources),
            strict=True,
        )
    )
    others = iter(axis for axis in range(x.ndim) if axis not in moved.values())
    return permute(x, [moved[i] if i in moved else next(others) for i in range(x.ndim)])


@op("ExpandDims")
def expand_dims(x: Any, axis: Any) -> Any:
    """New axes of size 1, at their places in the result."""
    x = as_tensor(x)
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = x.ndim + len(given)
    places = all_axes(given, rank, "expand_dims")
    kept = iter(sizes(x))
    return with_shape(x, tuple(1 if i in places else next(kept) for i in range(rank)))


@op("Squeeze")
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without axes of size 1: all of them, or those named.

    Raises:
        ValueError: If a named axis is not of size 1.
    """
    x = as_tensor(x)
    shape = sizes(x)
    places = [i for i, size in enumerate(shape) if size == 1] if axis is None else all_axes(axis, x.ndim, "squeeze")
    for place in places:
        if shape[place] != 1:
            raise ValueError(f"squeeze: axis {place} of shape {x.shape} is not of size 1.")
    return with_shape(x, tuple(size for i, size in enumerate(shape) if i not in places))


@op("BroadcastTo")
def broadcast_to(x: Any, shape: Any) -> Any:
    """`x` repeated along axes of size 1, and along new leading axes, to a shape.

    Raises:
        ValueError: If it does not fit.
    """
    return emit("Expand", as_tensor(x), shape=as_sizes(shape))


# -- joining and splitting -----------------------------------------------------------------------------------------


@op("Concatenate")
def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """Tensors one after another along an axis; flattened first if that is None.

    Raises:
        ValueError: If there is none, or other sizes differ.
    """
    tensors = _tensors(xs, "concatenate")
    if axis is None:
        tensors, axis = [ravel(x) for x in tensors], 0
    if len(tensors) == 1:
        return tensors[0]
    return emit("Concat", *tensors, axis=one_axis(axis, tensors[0].ndim, "concatenate"))


def _tensors(xs: Any, what: str) -> list[Tensor]:
    items = list(xs)
    if not items:
        raise ValueError(f"{what} takes at least one tensor.")
    return list(same_type(*items))


@op("Stack")
def stack(x: Any, axis: int = 0) -> Any:
    """Tensors of one shape along a new axis.

    Raises:
        ValueError: If there is none, or shapes differ.
    """
    tensors = _tensors(x, "stack")
    place = one_axis(axis, tensors[0].ndim + 1, "stack")
    if any(t.ndim != tensors[0].ndim for t in tensors):
        raise ValueError(f"stack takes tensors of one shape, got {', '.join(str(t.shape) for t in tensors)}.")
    lifted = [with_shape(t, (*sizes(t)[:place], 1, *sizes(t)[place:])) for t in tensors]
    return lifted[0] if len(lifted) == 1 else emit("Concat", *lifted, axis=place)


@op("Append", tensors=2)
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """`x2` after `x1` along an axis; both flattened if that is None."""
    return concatenate([x1, x2], axis=axis)


def _at_least(x: Tensor, rank: int, front: int) -> Tensor:
    """Axes of size 1 up to a rank: `front` of them before the others for a vector, the rest behind."""
    missing = rank - x.ndim
    if missing <= 0:
        return x
    before = min(front, missing)
    return with_shape(x, (*(1,) * before, *sizes(x), *(1,) * (missing - before)))


@op("Hstack")
def hstack(xs: Any) -> Any:
    """Tensors side by side: along the second axis, vectors along the first."""
    tensors = [_at_least(x, 1, 0) for x in _tensors(xs, "hstack")]
    return concatenate(tensors, axis=0 if tensors[0].ndim == 1 else 1)


@op("Vstack")
def vstack(xs: Any) -> Any:
    """Tensors below one another: along the first axis, vectors as rows."""
    return concatenate([_at_least(x, 2, 2) for x in _tensors(xs, "vstack")], axis=0)


@op("Dstack")
def dstack(xs: Any) -> Any:
    """Tensors behind one another: along the third axis."""
    return concatenate([_at_least(x, 3, 1 if x.ndim == 1 else 0) for x in _tensors(xs, "dstack")], axis=2)


@op("ColumnStack")
def column_stack(xs: Any) -> Any:
    """Vectors as the columns of a matrix; matrices side by side."""
    return concatenate([_at_least(x, 2, 0) for x in _tensors(xs, "column_stack")], axis=1)


@op("Split")
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis.

    Args:
        x: A tensor.
        indices_or_sections: How many equal parts, or where each part but the first begins.
        axis: The axis.

    Returns:
        A list of tensors.

    Raises:
        ValueError: If the axis does not divide into equal parts.
    """
    x = as_tensor(x)
    place = one_axis(axis, x.ndim, "split")
    size = sizes(x)[place]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        if count < 1 or (isinstance(size, int) and size % count):
            raise ValueError(f"split: axis {axis} of shape {x.shape} does not divide into {count} equal parts.")
        parts: list[DimLike] = [size // count] * count
    else:
        given = (
            known_array(indices_or_sections, "split's indices").tolist()
            if _array_like(indices_or_sections)
            else (list(indices_or_sections))
        )
        parts = _parts(size, given)
    return _split(x, place, parts)


def _array_like(x: Any) -> bool:
    return not isinstance(x, (list, tuple))


def _parts(size: DimLike, starts: Sequence[Any]) -> list[DimLike]:
    bounds: list[DimLike] = [0]
    for start in starts:
        place = as_size(start, "split's indices")
        place = place + size if isinstance(place, int) and place < 0 else place
        bounds.append(maximum(minimum(place, size), bounds[-1]))
    bounds.append(size)
    return [end - begin for begin, end in pairwise(bounds)]


def _split(x: Tensor, axis: int, parts: Sequence[DimLike]) -> list[Tensor]:
    if len(parts) == 1:
        return [x]
    return list(emit("Split", x, axis=axis, sizes=tuple(parts)))


@op("ArraySplit")
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis; of nearly equal sizes where it does not divide."""
    x = as_tensor(x)
    if not isinstance(indices_or_sections, (int, np.integer)):
        return split(x, indices_or_sections, axis)
    place = one_axis(axis, x.ndim, "array_split")
    size, count = sizes(x)[place], int(indices_or_sections)
    if count < 1:
        raise ValueError(f"array_split: the number of parts must be positive, got {count}.")
    return _split(x, place, [(size + count - 1 - i) // count for i in range(count)])


@op("Hsplit")
def hsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the second axis, of a vector along the first."""
    x = as_tensor(x)
    return split(x, indices_or_sections, axis=0 if x.ndim == 1 else 1)


@op("Vsplit")
def vsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the first axis."""
    return split(x, indices_or_sections, axis=0)


@op("Dsplit")
def dsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the third axis."""
    return split(x, indices_or_sections, axis=2)


@op("Unstack", module="core")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """The slices along an axis, as a list without that axis.

    Args:
        x: A tensor.
        num: How many there are; needed where the size is symbolic.
        axis: The axis.

    Raises:
        ValueError: If the number is unknown or wrong.
    """
    x = as_tensor(x)
    place = one_axis(axis, x.ndim, "unstack")
    size = sizes(x)[place]
    if num is None and not isinstance(size, int):
        raise ValueError(f"unstack: the size of axis {axis} of shape {x.shape} is unknown; give `num`.")
    count = size if num is None else num
    assert isinstance(count, int)
    rest = (*sizes(x)[:place], *sizes(x)[place + 1 :])
    return [with_shape(part, rest) for part in _split(x, place, [1] * count)]


# -- repeating and padding -----------------------------------------------------------------------------------------


@op("Tile")
def tile(x: Any, repeats: Any) -> Any:
    """The whole tensor repeated along its axes."""
    x = as_tensor(x)
    given = as_sizes(repeats, "tile's repeats")
    rank = max(len(given), x.ndim)
    x = with_shape(x, (*(1,) * (rank - x.ndim), *sizes(x)))
    return emit("Tile", x, repeats=(*(1,) * (rank - len(given)), *given))


@op("Repeat")
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated along an axis, or in the flattened tensor.

    Args:
        x: A tensor.
        repeats: How often: one number, or one per element of the axis (known when the program is traced).
        axis: The axis.
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    place = one_axis(axis, x.ndim, "repeat")
    shape = sizes(x)
    counts = np.asarray(known_array(repeats, "repeat's repeats")) if not isinstance(repeats, Dim) else None
    if counts is not None and counts.size > 1:
        source = np.repeat(np.arange(counts.size), counts)
        return emit("Gather", x, as_tensor(source.astype(np.int32)), axis=place)
    count = repeats if counts is None else int(counts.reshape(()))
    lifted = with_shape(x, (*shape[: place + 1], 1, *shape[place + 1 :]))
    spread = emit("Expand", lifted, shape=(*shape[: place + 1], count, *shape[place + 1 :]))
    return with_shape(spread, (*shape[:place], shape[place] * count, *shape[place + 1 :]))


@op("Pad")
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """More elements before and after those of each axis.

    Args:
        x: A tensor.
        pad_width: How many: `(before, after)` per axis, one such pair for all, or one number.
        mode: "constant", "reflect", "symmetric" or "edge".
        constant_values: The value of the mode "constant", 0 by default.

    Raises:
        ValueError: If the widths or the mode do not fit.
    """
    x = as_tensor(x)
    widths = _pad_widths(pad_width, x.ndim)
    if mode != "constant" and constant_values is not None:
        raise ValueError(f"pad: `constant_values` goes only with mode='constant', got mode={mode!r}.")
    before, after = tuple(b for b, _ in widths), tuple(a for _, a in widths)
    if mode in ("reflect", "edge"):
        return emit("Pad", x, before=before, after=after, value=0, mode=mode)
    if mode == "symmetric":
        return _mirror(x, widths)
    if mode != "constant":
        raise ValueError(f"pad: mode is 'constant', 'reflect', 'symmetric' or 'edge', got {mode!r}.")
    return _pad_constant(x, before, after, constant_values)


def _pad_constant(x: Tensor, before: Any, after: Any, value: Any) -> Any:
    number = 0 if value is None else known_array(value, "pad's constant_values").item()
    if x.dtype == "bool":
        padded = emit(
            "Pad", emit("Cast", x, to="uint8"), before=before, after=after, value=int(number), mode="constant"
        )
        return emit("Cast", padded, to="bool")
    return emit("Pad", x, before=before, after=after, value=number, mode="constant")


def _pad_widths(pad_width: Any, rank: int) -> list[tuple[DimLike, DimLike]]:
    if isinstance(pad_width, (int, Dim, np.integer)):
        return [(as_size(pad_width, "pad_width"),) * 2] * rank
    rows = list(known_array(pad_width, "pad_width").tolist() if _array_like(pad_width) else pad_width)
    if rows and isinstance(rows[0], (int, Dim, np.integer)):
        rows = [rows * 2 if len(rows) == 1 else rows]
    pairs = [tuple(as_size(size, "pad_width") for size in (row if len(row) == 2 else (*row, *row))) for row in rows]
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"pad: pad_width takes (before, after) for each of {rank} axes, got {pad_width}.")
    return pairs  # type: ignore[return-value]


def _mirror(x: Tensor, widths: Sequence[tuple[DimLike, DimLike]]) -> Tensor:
    """Mirrors the border, the outermost elements included."""
    for axis, (before, after) in enumerate(widths):
        size = sizes(x)[axis]
        parts = [x]
        if before != 0:
            parts.insert(0, _slice(x, axis, before - 1, -1, -1))
        if after != 0:
            parts.append(_slice(x, axis, size - 1, size - 1 - after, -1))
        x = parts[0] if len(parts) == 1 else emit("Concat", *parts, axis=axis)
    return x


def _slice(x: Tensor, axis: int, start: DimLike, end: DimLike, step: int) -> Tensor:
    return emit("Slice", x, starts=(start,), ends=(end,), axes=(axis,), steps=(step,))  # type: ignore[no-any-return]


# -- order ---------------------------------------------------------------------------------------------------------


@op("Flip")
def flip(x: Any, axis: Any = None) -> Any:
    """The elements in reverse order along axes, all by default."""
    x = as_tensor(x)
    places = all_axes(axis, x.ndim, "flip")
    if not places:
        return x
    starts = tuple(sizes(x)[place] - 1 for place in places)
    return emit("Slice", x, starts=starts, ends=(-1,) * len(places), axes=places, steps=(-1,) * len(places))


@op("Fliplr")
def fliplr(x: Any) -> Any:
    """Columns in reverse order."""
    return flip(x, axis=1)


@op("Flipud")
def flipud(x: Any) -> Any:
    """Rows in reverse order."""
    return flip(x, axis=0)


@op("Roll")
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved along axes; what leaves at the end comes in at the start.

    Raises:
        ValueError: If there are not as many shifts as axes.
    """
    x = as_tensor(x)
    if axis is None:
        return with_shape(roll(ravel(x), shift, 0), sizes(x))
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    shifts = list(shift) if isinstance(shift, (tuple, list)) else [shift] * len(axes)
    axes = axes * len(shifts) if len(axes) == 1 else axes
    if len(shifts) != len(axes):
        raise ValueError(f"roll takes as many shifts as axes, got {shifts} and {axes}.")
    for amount, given in zip(shifts, axes, strict=True):
        place = one_axis(given, x.ndim, "roll")
        size = sizes(x)[place]
        if size == 0:
            continue
        cut = (-as_size(amount, "roll's shift")) % size
        if cut != 0:
            first, second = emit("Split", x, axis=place, sizes=(cut, size - cut))
            x = emit("Concat", second, first, axis=place)
    return x


@op("Rot90")
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """A quarter turn in the plane of two axes, k times.

    Raises:
        ValueError: If the axes are not two different ones.
    """
    x = as_tensor(array)
    if len(axes) != 2:
        raise ValueError(f"rot90 takes two axes, got {axes}.")
    first, second = (one_axis(axis, x.ndim, "rot90") for axis in axes)
    if first == second:
        raise ValueError(f"rot90: the axes must differ, got {axes}.")
    turns = k % 4
    if turns == 2:
        return flip(x, axis=(first, second))
    if turns == 1:
        return swapaxes(flip(x, axis=second), first, second)
    return flip(swapaxes(x, first, second), axis=second) if turns == 3 else x
