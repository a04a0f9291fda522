"""Windows of images and volumes, each as one vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.ir.dim import DimLike, floor_div, product
from cornu.ops.arguments import as_tensor, emit, pair, permute, sizes, with_shape
from cornu.ops.convolution import data_format_of, from_channels_first, padded, padding_of, same_pads, to_channels_first
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def _windows(x: Tensor, axis: int, window: int, step: int, dilation: int) -> Tensor:
    """The windows along an axis, which becomes two: their numbers, and the places inside them."""
    size = sizes(x)[axis]
    count: DimLike = floor_div(size - (window - 1) * dilation - 1, step) + 1
    if not isinstance(count, int) or count > 0:
        if window == step and dilation == 1:
            whole = emit("Slice", x, starts=(0,), ends=(count * window,), axes=(axis,), steps=(1,))
            return with_shape(whole, (*sizes(x)[:axis], count, window, *sizes(x)[axis + 1 :]))
        first = with_shape(emit("Range", start=0, step=step, size=count, dtype="int32"), (count, 1))
        inside = as_tensor(np.arange(0, window * dilation, dilation, dtype=np.int32).reshape(1, window))
        return emit("Gather", x, emit("Add", first, inside), axis=axis)  # type: ignore[no-any-return]
    raise ValueError(f"extract_patches: windows of {window} (dilation {dilation}) are larger than a size of {size}.")


def _extract(
    images: Any, size: Any, strides: Any, dilation_rate: Any, padding: str, data_format: str | None, rank: int
) -> Any:
    """The windows of images (rank 2) or volumes (rank 3)."""
    what = "extract_patches"
    x = as_tensor(images)
    if x.ndim not in (rank + 1, rank + 2):
        raise ValueError(f"{what}: expected rank {rank + 1}, or {rank + 2} with a batch, got shape {x.shape}.")
    form, mode = data_format_of(data_format, what), padding_of(padding, what)
    window = pair(size, rank, f"{what}: size")
    steps = pair(strides, rank, f"{what}: strides") if strides else window
    gaps = pair(dilation_rate, rank, f"{what}: dilation_rate")
    batched = x if x.ndim == rank + 2 else with_shape(x, (1, *sizes(x)))
    first = to_channels_first(batched, form)
    if mode == "same":
        spatial = zip(sizes(first)[2:], window, steps, gaps, strict=True)
        first = padded(first, [same_pads(n, k, s, d) for n, k, s, d in spatial], 0)
    n, channels = sizes(first)[:2]
    for i in reversed(range(rank)):
        first = _windows(first, 2 + i, window[i], steps[i], gaps[i])
    # [n, c, count, place, count, place, ...] to [n, *places, c, *counts]: a patch is one vector, channels last.
    counts, places = range(2, 2 + 2 * rank, 2), range(3, 3 + 2 * rank, 2)
    spread = permute(first, (0, *places, 1, *counts))
    patches = with_shape(spread, (n, product([*window, channels]), *sizes(spread)[rank + 2 :]))
    result = from_channels_first(patches, form)
    return result if x.ndim == rank + 2 else with_shape(result, sizes(result)[1:])


@op("ExtractPatches", module="image")
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Every window of images as one vector: row by row, and of each pixel channel by channel.

    Args:
        images: [batch, height, width, channels] or without the batch; channels first with "channels_first".
        size: The window's height and width, or one number for both; with three numbers the images are volumes, as
            for `extract_patches_3d`.
        strides: The windows' steps; by default their size.
        dilation_rate: The step inside a window.
        padding: "valid", or "same" for a border of zeros.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Returns:
        [batch, rows of windows, columns of windows, window's height * width * channels].

    Raises:
        ValueError: If shapes or settings do not fit.

    Example:
        >>> extract_patches(np.arange(4).reshape(1, 4, 1), (1, 2)).numpy().tolist()
        [[[0, 1], [2, 3]]]
    """
    if isinstance(size, (tuple, list)) and len(size) not in (2, 3):
        raise ValueError(f"extract_patches: `size` must be a number or a tuple of 2 or 3 of them, got {size!r}.")
    rank = 3 if isinstance(size, (tuple, list)) and len(size) == 3 else 2
    return _extract(images, size, strides, dilation_rate, padding, data_format, rank)


def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Every window of volumes as one vector: plane by plane, row by row, and of each voxel channel by channel.

    Args:
        volumes: [batch, depth, height, width, channels] or without the batch; channels first with "channels_first".
        size: The window's depth, height and width, or one number for all.
        strides: The windows' steps; by default their size.
        dilation_rate: The step inside a window.
        padding: "valid", or "same" for a border of zeros.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Returns:
        [batch, windows along each axis, window's depth * height * width * channels].

    Raises:
        ValueError: If shapes or settings do not fit.
    """
    window = pair(size, 3, "extract_patches_3d: size")
    return extract_patches(volumes, window, strides, dilation_rate, padding, data_format)
