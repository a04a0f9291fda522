"""Borders put around images and cut off them."""

from __future__ import annotations

from typing import Any

from cornu.ir.dim import Dim, DimLike
from cornu.ops.arguments import as_size, as_tensor, emit, sizes
from cornu.ops.image.layout import image_format, spatial_axes
from cornu.ops.operation import op


def _known(value: DimLike | None) -> DimLike:
    assert value is not None
    return value


def _widths(
    size: DimLike, before: Any, after: Any, target: Any, sign: int, names: tuple[str, str, str], what: str
) -> tuple[DimLike, DimLike]:
    """The border before and after along one axis, of which two of three are given.

    Args:
        size: The axis's size.
        before, after: The border.
        target: The size with the border, or without it.
        sign: 1 if the border is added, -1 if it is cut off.
        names: What the three are called.
        what: What the operation is called.

    Raises:
        ValueError: If not exactly two are given, or one of them is negative.
    """
    given = dict(zip(names, (before, after, target), strict=True))
    text = ", ".join(f"{name}={value}" for name, value in given.items())
    if sum(value is None for value in given.values()) != 1:
        raise ValueError(f"{what}: exactly two of {', '.join(names)} must be given, got {text}.")
    first, last, whole = (None if value is None else as_size(value, name) for name, value in given.items())
    if first is None:
        first = sign * (_known(whole) - size) - _known(last)
    elif last is None:
        last = sign * (_known(whole) - size) - first
    else:
        whole = size + sign * (first + last)
    found = (first, _known(last), _known(whole))
    for name, value in zip(names, found, strict=True):
        if not isinstance(value, Dim) and value < 0:
            raise ValueError(f"{what}: `{name}` must not be negative, got {value} with {text} and size {size}.")
    return found[:2]


def _both(images: Any, data_format: str | None, given: dict[str, Any], sign: int, what: str) -> Any:
    axes = spatial_axes(images.ndim, image_format(images, data_format, what))
    found = []
    for axis, names in zip(axes, (("top", "bottom", "height"), ("left", "right", "width")), strict=True):
        ending = "padding" if sign > 0 else "cropping"
        keys = (f"{names[0]}_{ending}", f"{names[1]}_{ending}", f"target_{names[2]}")
        before, after, target = (given[key] for key in keys)
        found.append((axis, *_widths(sizes(images)[axis], before, after, target, sign, keys, what)))
    return found


@op("PadImages", module="image")
def pad_images(
    images: Any,
    top_padding: Any = None,
    left_padding: Any = None,
    bottom_padding: Any = None,
    right_padding: Any = None,
    target_height: Any = None,
    target_width: Any = None,
    data_format: str | None = None,
) -> Any:
    """Images with zeros around them; of each axis's border and new size two are given.

    Args:
        images: [batch, height, width, channels] or without the batch.
        top_padding, bottom_padding: Rows above and below.
        left_padding, right_padding: Columns on both sides.
        target_height, target_width: The new size.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If not exactly two are given for an axis, or one of them is negative.

    Example:
        >>> pad_images([[[5]]], top_padding=0, target_height=2, left_padding=0, right_padding=0).numpy().ravel()
        array([5, 0], dtype=int32)
    """
    given = dict(locals())
    x = as_tensor(images)
    before: list[DimLike] = [0] * x.ndim
    after: list[DimLike] = [0] * x.ndim
    for axis, first, last in _both(x, data_format, given, 1, "pad_images"):
        before[axis], after[axis] = first, last
    return emit("Pad", x, before=tuple(before), after=tuple(after), value=0, mode="constant")


@op("CropImages", module="image")
def crop_images(
    images: Any,
    top_cropping: Any = None,
    left_cropping: Any = None,
    bottom_cropping: Any = None,
    right_cropping: Any = None,
    target_height: Any = None,
    target_width: Any = None,
    data_format: str | None = None,
) -> Any:
    """Images without a border; of each axis's border and new size two are given.

    Args:
        images: [batch, height, width, channels] or without the batch.
        top_cropping, bottom_cropping: Rows above and below.
        left_cropping, right_cropping: Columns on both sides.
        target_height, target_width: The new size.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If not exactly two are given for an axis, or one of them is negative.

    Example:
        >>> crop_images([[[1], [2], [3]]], 0, 1, 0, 0).numpy().ravel()
        array([2, 3], dtype=int32)
    """
    given = dict(locals())
    x = as_tensor(images)
    borders = _both(x, data_format, given, -1, "crop_images")
    axes = tuple(axis for axis, _, _ in borders)
    ends = tuple(sizes(x)[axis] - last for axis, _, last in borders)
    return emit("Slice", x, starts=tuple(first for _, first, _ in borders), ends=ends, axes=axes, steps=(1, 1))
