"""Values of tensors at places between their elements."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from cornu.ir.dim import DimLike
from cornu.ops.arguments import as_tensor, emit, sizes, with_shape
from cornu.ops.elementwise import absolute, clip, floor, maximum, minimum, mod, sign
from cornu.ops.image.layout import computed, returned
from cornu.ops.logic import logical_and
from cornu.ops.operation import op
from cornu.ops.shaping import expand_dims
from cornu.tracing.tensor import Tensor

ORDERS = {"nearest": 0, "bilinear": 1}


def _reflected(place: Any, size: Any) -> Any:
    """`d c b a | a b c d | d c b a`."""
    found = mod(place, size * 2.0)
    return minimum(found, size * 2.0 - 1.0 - found)


def _mirrored(place: Any, size: Any) -> Any:
    """`d c b | a b c d | c b a`."""
    last = size - 1.0
    return absolute(mod(place + last, maximum(last * 2.0, 1.0)) - last)


# What an element outside is replaced by: from its number and the size to a number inside.
_INSIDE: dict[str, Callable[[Any, Any], Any]] = {
    "constant": lambda place, size: clip(place, 0.0, size - 1.0),
    "nearest": lambda place, size: clip(place, 0.0, size - 1.0),
    "wrap": lambda place, size: mod(place, size),
    "mirror": _mirrored,
    "reflect": _reflected,
}


def check_sampling(what: str, interpolation: str | None = None, fill_mode: str | None = None) -> None:
    """Checks the settings of functions that sample images.

    Raises:
        ValueError: If one is unknown.
    """
    if interpolation is not None and interpolation not in ORDERS:
        raise ValueError(f"{what}: `interpolation` must be one of {tuple(ORDERS)}, got {interpolation!r}.")
    if fill_mode is not None and fill_mode not in _INSIDE:
        raise ValueError(f"{what}: `fill_mode` must be one of {tuple(_INSIDE)}, got {fill_mode!r}.")


def _neighbours(place: Any, order: int) -> list[tuple[Any, Any]]:
    """The elements next to a place along one axis, with their weights."""
    if order == 0:  # a half is rounded away from 0
        return [(sign(place) * floor(absolute(place) + 0.5), None)]
    low = floor(place)
    share = place - low
    return [(low, 1.0 - share), (low + 1.0, share)]


def _product(factors: Sequence[Any]) -> Any:
    found = None
    for factor in factors:
        if factor is not None:
            found = factor if found is None else found * factor
    return found


def sample(
    rows: Tensor,
    shape: Sequence[DimLike],
    places: Sequence[Any],
    order: int,
    fill_mode: str,
    fill_value: Any,
    start: Any = None,
) -> Any:
    """Linear interpolation (or the nearest element) between the rows of a table that is a tensor of some shape.

    Args:
        rows: [product of `shape`, channels], or several such tables one after the other.
        shape: The shape.
        places: A float tensor for each of its axes; they broadcast.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: What lies outside.
        fill_value: What it is with "constant".
        start: Which row a place's table begins with, if there are several.

    Returns:
        [*places' shape, channels].
    """
    dtype = rows.dtype
    extents = [as_tensor(size, dtype) for size in shape]
    outside = fill_mode == "constant"
    total: Any = None
    inside_weight: Any = None
    for corner in itertools.product(*(_neighbours(place, order) for place in places)):
        position: Any = None
        weights: list[Any] = [weight for _, weight in corner]
        for axis, (number, _) in enumerate(corner):
            whole = as_tensor(_INSIDE[fill_mode](number, extents[axis]), "int32")
            # Horner's scheme: the row of an element, axis by axis.
            position = whole if position is None else position * as_tensor(shape[axis], "int32") + whole
            if outside:
                there = logical_and(number >= 0.0, number <= extents[axis] - 1.0)
                weights.append(as_tensor(there, dtype))
        index = position if start is None else position + start
        found, weight = emit("Gather", rows, index, axis=0), _product(weights)
        if weight is not None:
            found = found * expand_dims(weight, -1)
        total = found if total is None else total + found
        if outside:
            inside_weight = weight if inside_weight is None else inside_weight + weight
    if outside and not (isinstance(fill_value, (int, float)) and fill_value == 0):
        total = total + expand_dims(1.0 - inside_weight, -1) * fill_value
    return total


@op("MapCoordinates", tensors=2, module="image")
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Any:
    """The values of a tensor at places that may lie between its elements.

    Args:
        inputs: A tensor of any rank.
        coordinates: [rank, *shape], or a list with a tensor for each axis.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: What lies outside: "constant", "nearest" (the border's element), "wrap" (the other side),
            "mirror" (`c b | a b c | b a`) or "reflect" (`b a | a b c | c b`).
        fill_value: What lies outside with "constant"; places near the border are interpolated with it.

    Returns:
        [*shape], of the inputs' dtype; integers are rounded.

    Raises:
        ValueError: If the coordinates do not fit, or a setting is unknown.

    Example:
        >>> map_coordinates([0.0, 10.0, 20.0], [[0.5, 1.25]], order=1).numpy().tolist()
        [5.0, 12.5]
    """
    from cornu.ops.shaping import stack

    x = as_tensor(inputs)
    places = stack(list(coordinates)) if isinstance(coordinates, (list, tuple)) else as_tensor(coordinates)
    if places.ndim < 2 or sizes(places)[0] != x.ndim:
        raise ValueError(
            f"map_coordinates: expected `coordinates` of rank 2 or more with {x.ndim} entries on the first axis, one "
            f"for each axis of the inputs, got shape {places.shape}."
        )
    if order not in (0, 1):
        raise ValueError(f"map_coordinates: `order` must be 0 or 1, got {order!r}.")
    check_sampling("map_coordinates", fill_mode=fill_mode)
    rows = with_shape(wide := computed(x), (wide.type.size, 1))
    axes = [as_tensor(places[i], rows.dtype) for i in range(x.ndim)]
    found = sample(rows, sizes(x), axes, order, fill_mode, fill_value)
    return returned(with_shape(found, sizes(found)[:-1]), x.dtype)
