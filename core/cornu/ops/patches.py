"""Patches of images, and axes folded into one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.ir.dim import Dim, DimLike, product
from cornu.ir.types import numpy_dtype
from cornu.ops.arguments import as_tensor, emit, float_tensor, pair, permute, sizes, with_shape
from cornu.ops.convolution import data_format_of, from_channels_first, to_channels_first
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


@op("DepthToSpace", module="nn")
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Channels spread over blocks of pixels: [n, h, w, c · b²] to [n, h · b, w · b, c].

    Raises:
        ValueError: If the channels do not divide.
    """
    x, b = as_tensor(x), int(block_size)
    form = data_format_of(data_format, "depth_to_space")
    first = to_channels_first(x, form)
    n, depth, h, w = sizes(first)
    if b < 1 or (isinstance(depth, int) and depth % (b * b)):
        raise ValueError(f"depth_to_space: {depth} channels do not divide into blocks of {b} by {b}.")
    c = depth // (b * b)
    # A channel's number is (row in the block, column in the block, channel), or with channels first (channel, ...).
    if form == "channels_last":
        blocks = permute(with_shape(first, (n, b, b, c, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        blocks = permute(with_shape(first, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return from_channels_first(with_shape(blocks, (n, c, h * b, w * b)), form)


@op("SpaceToDepth", module="nn")
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Blocks of pixels gathered in channels: [n, h · b, w · b, c] to [n, h, w, c · b²].

    Raises:
        ValueError: If height or width do not divide.
    """
    x, b = as_tensor(x), int(block_size)
    form = data_format_of(data_format, "space_to_depth")
    first = to_channels_first(x, form)
    n, c, h, w = sizes(first)
    if b < 1 or any(isinstance(size, int) and size % b for size in (h, w)):
        raise ValueError(f"space_to_depth: {h} by {w} pixels do not divide into blocks of {b} by {b}.")
    order = (0, 3, 5, 1, 2, 4) if form == "channels_last" else (0, 1, 3, 5, 2, 4)
    blocks = permute(with_shape(first, (n, c, h // b, b, w // b, b)), order)
    return from_channels_first(with_shape(blocks, (n, c * b * b, h // b, w // b)), form)


def _unit_kernels(window: tuple[int, ...], channels: int, dtype: str) -> Tensor:
    """For every channel and place in the window the kernel that picks it: [channels · places, 1, *window]."""
    places = int(np.prod(window))
    picks = np.eye(places, dtype=numpy_dtype(dtype)).reshape(places, 1, *window)
    return as_tensor(np.tile(picks, (channels, *(1,) * (len(window) + 1))))


def _window(value: Any, what: str) -> tuple[int, int]:
    first, second = pair(value, 2, what)
    return first, second


def _border(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


@op("Unfold", module="nn")
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window of [n, c, h, w] as a column: [n, c · kh · kw, windows].

    Args:
        x: A tensor.
        kernel_size, dilation, padding, stride: One number, or one for height and one for width.
    """
    x = float_tensor(x)
    window, border = _window(kernel_size, "unfold: kernel_size"), _border(padding)
    n, channels = sizes(x)[:2]
    assert isinstance(channels, int)
    padded = emit("Pad", x, before=(0, 0, *border), after=(0, 0, *border), value=0.0, mode="constant")
    columns = emit(
        "Conv",
        padded,
        _unit_kernels(window, channels, x.dtype),
        strides=_window(stride, "unfold: stride"),
        dilations=_window(dilation, "unfold: dilation"),
        group=channels,
    )
    return with_shape(columns, (n, sizes(columns)[1], product(sizes(columns)[2:])))


@op("Fold", module="nn")
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The adjoint of `unfold`: columns [n, c · kh · kw, windows] added up where they overlap, to [n, c, h, w].

    Args:
        x: A tensor.
        output_size: Height and width of the result.
        kernel_size, dilation, padding, stride: One number, or one for height and one for width.

    Raises:
        ValueError: If the number of columns is not that of the windows.
    """
    x = float_tensor(x)
    window, border = _window(kernel_size, "fold: kernel_size"), _border(padding)
    steps, gaps = _window(stride, "fold: stride"), _window(dilation, "fold: dilation")
    target = _window(output_size, "fold: output_size")
    n, depth, columns = sizes(x)
    assert isinstance(depth, int)
    channels = depth // (window[0] * window[1])
    counts, extra = [], []
    for size, k, s, d, p in zip(target, window, steps, gaps, border, strict=True):
        room = size + 2 * p - (k - 1) * d - 1
        counts.append(room // s + 1)
        extra.append(room % s)
    if isinstance(columns, int) and columns != counts[0] * counts[1]:
        raise ValueError(f"fold: {columns} columns do not fit {counts[0]} by {counts[1]} windows.")
    whole = emit(
        "ConvTranspose",
        with_shape(x, (n, depth, *counts)),
        _unit_kernels(window, channels, x.dtype),
        strides=steps,
        dilations=gaps,
        group=channels,
        output_padding=tuple(extra),
    )
    ends = tuple(p + size for p, size in zip(border, target, strict=True))
    return emit("Slice", whole, starts=border, ends=ends, axes=(2, 3), steps=(1, 1))


@op("Rearrange", module="einops")
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Axes split, reordered and merged by name: `"b (h w) c -> b c h w"`.

    Args:
        tensor: A tensor.
        pattern: Names of the axes before and after `->`; names in parentheses are one axis.
        axes_lengths: The sizes of axes that the tensor's shape does not give.

    Raises:
        ValueError: If the pattern does not fit the tensor or names different axes on its two sides.
    """
    x = as_tensor(tensor)
    before, arrow, after = pattern.partition("->")
    left, right = _groups(before), _groups(after)
    names, wanted = [n for group in left for n in group], [n for group in right for n in group]
    if not arrow or sorted(names) != sorted(wanted) or len(set(names)) != len(names) or len(left) != x.ndim:
        raise ValueError(f"rearrange: pattern {pattern!r} does not fit shape {x.shape}.")
    size: dict[str, DimLike] = dict(axes_lengths)
    for group, total in zip(left, sizes(x), strict=True):
        unknown = [name for name in group if name not in size]
        known = product([size[name] for name in group if name in size])
        if len(unknown) > 1:
            raise ValueError(f"rearrange: give the sizes of all but one of {unknown}.")
        if unknown:
            size[unknown[0]] = total // known
        split = product([size[name] for name in group])
        if not isinstance(split, Dim) and not isinstance(total, Dim) and split != total:
            raise ValueError(f"rearrange: {group} of sizes {[size[n] for n in group]} do not make {total}.")
    spread = with_shape(x, [size[name] for name in names])
    moved = permute(spread, [names.index(name) for name in wanted])
    return with_shape(moved, [product([size[name] for name in group]) for group in right])


def _groups(side: str) -> list[list[str]]:
    """The axes of one side of a pattern, each a list of names."""
    groups: list[list[str]] = []
    open_group: list[str] | None = None
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            open_group = []
        elif word == ")":
            if open_group is None:
                raise ValueError(f"rearrange: unbalanced parentheses in {side!r}.")
            groups.append(open_group)
            open_group = None
        elif open_group is None:
            groups.append([word] if word != "1" else [])
        elif word != "1":
            open_group.append(word)
    return groups
