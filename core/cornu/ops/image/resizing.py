"""Images of other sizes. Along each axis the result is a product with a matrix that only the sizes decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from cornu.ir.dim import Dim, DimLike, floor_div, maximum, minimum, product
from cornu.ir.types import numpy_dtype
from cornu.ops.arguments import as_tensor, emit, sizes, with_shape
from cornu.ops.image.layout import computed, image_format, returned, spatial_axes
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor

# Where a column's weights add up to less, there is no pixel near enough.
_NEGLIGIBLE = 1000 * float(np.finfo(np.float32).eps)


def _triangle(x: Any, xp: Any) -> Any:
    return xp.maximum(1 - x, 0)


def _cubic(x: Any, xp: Any) -> Any:
    """Keys's kernel with a = -1/2: a cubic on each of [0, 1] and [1, 2]."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((2.5 - 0.5 * x) * x - 4) * x + 2
    return xp.where(x <= 1, near, xp.where(x < 2, far, xp.zeros_like(x)))


def _lanczos(radius: int) -> Callable[[Any, Any], Any]:
    def kernel(x: Any, xp: Any) -> Any:
        return xp.where(x <= radius, xp.sinc(x) * xp.sinc(x / radius), xp.zeros_like(x))

    return kernel


# A method's kernel: how much a pixel counts at a distance, in pixels.
_KERNELS: dict[str, Callable[[Any, Any], Any]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
# The further names that `scale_and_translate` knows them by.
_METHODS = {"linear": "bilinear", "cubic": "bicubic", "trilinear": "bilinear", "tricubic": "bicubic"}


def _weights(places: Any, pixels: Any, last: Any, width: Any, kernel: Callable[[Any, Any], Any], xp: Any) -> Any:
    """The matrix [new, old] that takes pixels to the values at places between them.

    Args:
        places: Where the new pixels lie among the old, [new, 1].
        pixels: The old pixels' numbers, [1, old].
        last: The greatest of them.
        width: What the kernel is stretched by.
        kernel: The kernel.
        xp: The module that computes it: `numpy`, or `cornu.ops` where a size is free.
    """
    found = kernel(xp.absolute(places - pixels) / width, xp)
    total = xp.sum(found, axis=1, keepdims=True)
    enough = xp.absolute(total) > _NEGLIGIBLE
    found = found / xp.where(enough, total, xp.ones_like(total))
    inside = xp.logical_and(enough, xp.logical_and(places >= -0.5, places <= last + 0.5))
    return xp.where(inside, found, xp.zeros_like(found))


@lru_cache(maxsize=256)
def _constant_weights(old: int, new: int, method: str, antialias: bool) -> np.ndarray:
    step = old / new
    places = (np.arange(new)[:, None] + 0.5) * step - 0.5
    width = max(step, 1.0) if antialias else 1.0
    return np.asarray(_weights(places, np.arange(old)[None], old - 1, width, _KERNELS[method], np))


def _resizing_weights(old: DimLike, new: DimLike, method: str, antialias: bool, dtype: str) -> Any:
    """The matrix of `_weights` for a change of size, a constant where both sizes are known."""
    if isinstance(old, int) and isinstance(new, int):
        return as_tensor(_constant_weights(old, new, method, antialias).astype(numpy_dtype(dtype)))
    step = as_tensor(old, dtype) / as_tensor(new, dtype)
    return _moving_weights(old, new, step, 0.0, method, antialias)


def _moving_weights(old: DimLike, new: DimLike, step: Any, offset: Any, method: str, antialias: bool) -> Any:
    """The matrix of `_weights` where a new pixel `i` lies at `(i + 0.5) * step + offset - 0.5`."""
    from cornu import ops

    places = (ops.expand_dims(ops.arange(new, dtype=step.dtype), 1) + 0.5) * step + offset - 0.5
    pixels = ops.expand_dims(ops.arange(old, dtype=step.dtype), 0)
    width = ops.maximum(step, 1.0) if antialias else 1.0
    return _weights(places, pixels, as_tensor(old, step.dtype) - 1, width, _KERNELS[method], ops)


def along_axis(x: Tensor, matrix: Tensor, axis: int) -> Tensor:
    """The product of a matrix [new, old] with every column of `x` along an axis."""
    shape = sizes(x)
    before, after = shape[:axis], shape[axis + 1 :]
    new = sizes(matrix)[0]
    if product(after) == 1:
        flat = with_shape(x, (product(before), shape[axis]))
        result = emit("MatMul", flat, emit("Transpose", matrix, perm=(1, 0)))
    else:
        result = emit("MatMul", matrix, with_shape(x, (product(before), shape[axis], product(after))))
    return with_shape(result, (*before, new, *after))


def _nearest(x: Tensor, axis: int, new: DimLike) -> Tensor:
    """Along an axis, of `n` pixels the one with number `floor((i + 1/2) n / new)` for each `i`."""
    old = sizes(x)[axis]
    factor = floor_div(new, old)
    if new == old:
        return x
    if factor * old == new:  # each pixel several times: a broadcast, whose gradient is a sum
        shape = sizes(x)
        wide = with_shape(x, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
        repeated = emit("Expand", wide, shape=(*shape[: axis + 1], factor, *shape[axis + 1 :]))
        return with_shape(repeated, (*shape[:axis], new, *shape[axis + 1 :]))
    numbers: Any
    if isinstance(old, int) and isinstance(new, int):
        numbers = as_tensor(((2 * np.arange(new) + 1) * old // (2 * new)).astype(np.int32))
    else:
        odd = emit("Range", start=1, step=2, size=new, dtype="int32")
        numbers = odd * as_tensor(old, "int32") // (as_tensor(new, "int32") * 2)
    return emit("Gather", x, numbers, axis=axis)  # type: ignore[no-any-return]


def _target(size: Any) -> tuple[DimLike, DimLike]:
    """Height and width asked for.

    Raises:
        ValueError: If they are not two positive integers.
    """
    found = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else ()
    if len(found) != 2 or not all(isinstance(item, (int, np.integer, Dim)) for item in found):
        raise ValueError(f"resize: expected `size` to be a tuple of 2 integers, got {size!r}.")
    height, width = (item if isinstance(item, Dim) else int(item) for item in found)
    if any(isinstance(item, int) and item < 1 for item in (height, width)):
        raise ValueError(f"resize: `size` must have positive height and width, got {size!r}.")
    return height, width


def _cropped(x: Tensor, axes: Sequence[int], target: Sequence[DimLike]) -> Tensor:
    """The largest part around the middle with the target's ratio of sides."""
    starts, ends = [], []
    for size, best in zip([sizes(x)[axis] for axis in axes], _fitting(x, axes, target), strict=True):
        kept = maximum(minimum(size, best), 1)
        start = floor_div(size - kept, 2)
        starts.append(start)
        ends.append(start + kept)
    return emit("Slice", x, starts=tuple(starts), ends=tuple(ends), axes=tuple(axes), steps=(1, 1))  # type: ignore[no-any-return]


def _padded(x: Tensor, axes: Sequence[int], target: Sequence[DimLike], value: float) -> Tensor:
    """The smallest image around this one with the target's ratio of sides, one row or column less if that is odd.

    As in Keras, the border is as wide on both sides.
    """
    before: list[DimLike] = [0] * x.ndim
    after: list[DimLike] = [0] * x.ndim
    for axis, best in zip(axes, _fitting(x, axes, target), strict=True):
        room: Any = maximum(best - sizes(x)[axis], 0)
        before[axis] = floor_div(room, 2)
        after[axis] = before[axis]
    return emit("Pad", x, before=tuple(before), after=tuple(after), value=value, mode="constant")  # type: ignore[no-any-return]


def _fitting(x: Tensor, axes: Sequence[int], target: Sequence[DimLike]) -> tuple[DimLike, DimLike]:
    """The height that goes with the image's width in the target's ratio, and the width with its height."""
    height, width = (sizes(x)[axis] for axis in axes)
    return floor_div(width * target[0], target[1]), floor_div(height * target[1], target[0])


@op("Resize", module="image")
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Images of another size.

    Along an axis of `n` pixels, which become `m`, new pixel `i` lies at `p = (i + 1/2) n / m - 1/2` among the old; it
    is `sum(k(|p - j|) x[j]) / sum(k(|p - j|))` with the interpolation's kernel `k`.

    Args:
        images: [batch, height, width, channels] or without the batch; channels first with "channels_first".
        size: The new height and width.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        antialias: Whether the kernel is stretched by `n / m` where images shrink, so that every pixel counts.
        crop_to_aspect_ratio: Whether images are first cut around the middle to the new ratio of sides.
        pad_to_aspect_ratio: Whether a border is first put around them, for the new ratio of sides.
        fill_mode: What the border is of; only "constant".
        fill_value: The border's value.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Returns:
        A tensor of the images' dtype; integers are rounded to even and bounded.

    Raises:
        ValueError: If the rank, the size or a setting does not fit.

    Example:
        >>> resize(np.array([[[0.0], [2.0]]]), (1, 4)).numpy()[0, :, 0].tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    if interpolation != "nearest" and interpolation not in _KERNELS:
        allowed = ("nearest", *_KERNELS)
        raise ValueError(f"resize: `interpolation` must be one of {allowed}, got {interpolation!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: only one of `pad_to_aspect_ratio` and `crop_to_aspect_ratio` can be True.")
    if fill_mode != "constant":
        raise ValueError(f"resize: `fill_mode` must be 'constant', got {fill_mode!r}.")
    target, images = _target(size), as_tensor(images)
    dtype = images.dtype
    axes = spatial_axes(images.ndim, image_format(images, data_format, "resize"))
    x = images if interpolation == "nearest" else computed(images)
    if crop_to_aspect_ratio:
        x = _cropped(x, axes, target)
    elif pad_to_aspect_ratio:
        x = _padded(x, axes, target, fill_value)
    for axis, new in zip(axes, target, strict=True):
        old = sizes(x)[axis]
        if interpolation == "nearest":
            x = _nearest(x, axis, new)
        elif old != new:
            x = along_axis(x, _resizing_weights(old, new, interpolation, antialias, x.dtype), axis)
    return returned(x, dtype)


@op("ScaleAndTranslate", tensors=4, module="image")
def scale_and_translate(
    images: Any,
    output_shape: Any,
    scale: Any,
    translation: Any,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Any:
    """Images stretched and moved along some axes: a point at `p` goes to `p * scale + translation`.

    Args:
        images: A tensor.
        output_shape: The shape of the result.
        scale: One factor for each of the axes.
        translation: One distance for each of them, in pixels of the result.
        spatial_dims: The axes.
        method: "linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3" or "lanczos5".
        antialias: Whether the kernel is stretched where images shrink, so that every pixel counts.

    Raises:
        ValueError: If the shape, the axes or the method do not fit.
    """
    kind = _METHODS.get(method, method)
    if kind not in _KERNELS:
        allowed = (*_METHODS, *_KERNELS)
        raise ValueError(f"scale_and_translate: `method` must be one of {allowed}, got {method!r}.")
    images = as_tensor(images)
    x = computed(images)
    shape = tuple(item if isinstance(item, Dim) else int(item) for item in output_shape)
    axes = [axis + x.ndim if axis < 0 else axis for axis in map(int, spatial_dims)]
    fixed = [axis for axis in range(x.ndim) if axis not in axes]
    if len(shape) != x.ndim or any(sizes(x)[axis] != shape[axis] for axis in fixed):
        raise ValueError(
            f"scale_and_translate: `output_shape` {shape} does not fit images of shape {images.shape}, "
            f"of which only the axes {tuple(axes)} change."
        )
    factors, distances = as_tensor(scale, x.dtype), as_tensor(translation, x.dtype)
    for vector, name in ((factors, "scale"), (distances, "translation")):
        if vector.shape != (len(axes),):
            raise ValueError(
                f"scale_and_translate: `{name}` must be {len(axes)} numbers, one for each of the axes "
                f"{tuple(axes)}, got shape {vector.shape}."
            )
    for i, axis in enumerate(axes):
        step = 1.0 / factors[i]
        matrix = _moving_weights(sizes(x)[axis], shape[axis], step, -distances[i] * step, kind, antialias)
        x = along_axis(x, matrix, axis)
    return returned(x, images.dtype)
