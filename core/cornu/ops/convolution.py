"""Convolutions in Keras's layouts: each is a Pad, the primitive in [N, C, *S] layout, and transpositions around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.backend.config import image_data_format
from cornu.ir.dim import DimLike, ceil_div, floor_div, maximum
from cornu.ir.types import is_float
from cornu.ops.arguments import as_operand, as_tensor, emit, inverse, pair, permute, sizes, with_shape
from cornu.ops.dtypes import float_type
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


def data_format_of(value: str | None, what: str) -> str:
    """The data format, the configured one if none is given.

    Raises:
        ValueError: If it is neither "channels_last" nor "channels_first".
    """
    found = value or image_data_format()
    if found not in ("channels_last", "channels_first"):
        raise ValueError(f"{what}: data_format is 'channels_last' or 'channels_first', got {value!r}.")
    return found


def padding_of(value: str, what: str, allowed: Sequence[str] = ("valid", "same")) -> str:
    """The padding mode in lower case.

    Raises:
        ValueError: If it is not allowed.
    """
    found = str(value).lower()
    if found not in allowed:
        raise ValueError(f"{what}: padding is one of {', '.join(allowed)}, got {value!r}.")
    return found


def channels_first(rank: int) -> tuple[int, ...]:
    """The order of axes that brings the last one to the second place."""
    return (0, rank - 1, *range(1, rank - 1))


def to_channels_first(x: Tensor, data_format: str) -> Tensor:
    """[N, C, *S] of a tensor in a data format."""
    return permute(x, channels_first(x.ndim)) if data_format == "channels_last" else x


def from_channels_first(x: Tensor, data_format: str) -> Tensor:
    """A data format's layout of [N, C, *S]."""
    return permute(x, inverse(channels_first(x.ndim))) if data_format == "channels_last" else x


def same_pads(size: DimLike, window: DimLike, stride: int, dilation: int) -> tuple[DimLike, DimLike]:
    """How much "same" pads before and after: in all `max((ceil(n / s) - 1) s + (k - 1) d + 1 - n, 0)`."""
    extent = (window - 1) * dilation + 1
    total = maximum((ceil_div(size, stride) - 1) * stride + extent - size, 0)
    before = floor_div(total, 2)
    return before, total - before


def padded(x: Tensor, pads: Sequence[tuple[DimLike, DimLike]], value: float = 0.0) -> Tensor:
    """[N, C, *S] with `value` around its spatial axes; left out where there is none."""
    if all(before == 0 and after == 0 for before, after in pads):
        return x
    before, after = zip(*pads, strict=True)
    return emit("Pad", x, before=(0, 0, *before), after=(0, 0, *after), value=value, mode="constant")  # type: ignore[no-any-return]


def check_windows_fit(x: Tensor, window: Sequence[DimLike], dilation: Sequence[int], what: str) -> None:
    """Checks that a window is no larger than the spatial axes of [N, C, *S], where their sizes are known.

    Raises:
        ValueError: If it is.
    """
    for size, k, d in zip(sizes(x)[2:], window, dilation, strict=True):
        extent = (k - 1) * d + 1
        if isinstance(size, int) and isinstance(extent, int) and extent > size:
            raise ValueError(f"{what}: a window of {extent} does not fit into an axis of {size}.")


def _operands(inputs: Any, kernel: Any, what: str) -> tuple[Tensor, Tensor]:
    x, w = as_operand(inputs), as_operand(kernel)
    dtype = float_type(x, w)
    x, w = as_tensor(x, dtype), as_tensor(w, dtype)
    if x.ndim not in (3, 4, 5) or w.ndim != x.ndim:
        raise ValueError(
            f"{what}: expected inputs of rank 3, 4 or 5 and a kernel of the same, got {x.shape} and {w.shape}."
        )
    if not is_float(dtype):
        raise TypeError(f"{what} takes floats, got {dtype}.")
    return x, w


def _convolve(
    x: Tensor, w: Tensor, strides: Any, padding: str, data_format: str, dilation: Any, group: int, what: str
) -> Any:
    """A convolution of `x` in a data format with an [O, I, *K] kernel."""
    rank = x.ndim - 2
    stride, dilations = pair(strides, rank, f"{what}: strides"), pair(dilation, rank, f"{what}: dilation_rate")
    first = to_channels_first(x, data_format)
    if padding != "valid":
        spatial = zip(sizes(first)[2:], sizes(w)[2:], stride, dilations, strict=True)
        first = padded(first, [_pads(padding, *item) for item in spatial])
    check_windows_fit(first, sizes(w)[2:], dilations, what)
    result = emit("Conv", first, w, strides=stride, dilations=dilations, group=group)
    return from_channels_first(result, data_format)


def _pads(padding: str, size: DimLike, window: DimLike, stride: int, dilation: int) -> tuple[DimLike, DimLike]:
    return ((window - 1) * dilation, 0) if padding == "causal" else same_pads(size, window, stride, dilation)


@op("Conv", tensors=2, module="nn")
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """The sum of products of a moving window with a kernel, in 1 to 3 dimensions.

    `y[n, p, o] = sum over k, c of x[n, p · stride + k · dilation, c] · kernel[k, c, o]`; with fewer channels in the
    kernel than in the inputs, in as many groups.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        kernel: [*window, channels / groups, filters].
        strides: Steps of the window.
        padding: "valid" for none, "same" for zeros on both sides, "causal" (in one dimension) for zeros before.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Steps within the window.

    Raises:
        ValueError: If shapes or settings do not fit.
    """
    x, w = _operands(inputs, kernel, "conv")
    form = data_format_of(data_format, "conv")
    mode = padding_of(padding, "conv", ("valid", "same", "causal") if x.ndim == 3 else ("valid", "same"))
    channels = sizes(x)[-1 if form == "channels_last" else 1]
    inner = sizes(w)[-2]
    if not isinstance(channels, int) or not isinstance(inner, int) or channels % inner:
        raise ValueError(f"conv: {channels} input channels do not divide into groups of the kernel's {inner}.")
    group = channels // inner
    filters = sizes(w)[-1]
    if isinstance(filters, int) and filters % group:
        raise ValueError(f"conv: {filters} filters do not divide into {group} groups.")
    w = permute(w, (w.ndim - 1, w.ndim - 2, *range(w.ndim - 2)))
    return _convolve(x, w, strides, mode, form, dilation_rate, group, "conv")


@op("DepthwiseConv", tensors=2, module="nn")
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A convolution of each channel by itself.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        kernel: [*window, channels, multiplier]; the result has channels times multiplier channels.
        strides: Steps of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Steps within the window.

    Raises:
        ValueError: If shapes or settings do not fit.
    """
    x, w = _operands(inputs, kernel, "depthwise_conv")
    form = data_format_of(data_format, "depthwise_conv")
    mode = padding_of(padding, "depthwise_conv")
    channels = sizes(x)[-1 if form == "channels_last" else 1]
    *window, inner, multiplier = sizes(w)
    if channels != inner or not isinstance(inner, int):
        raise ValueError(f"depthwise_conv: the kernel has {inner} channels and the inputs {channels}.")
    flat = with_shape(w, (*window, 1, inner * multiplier))
    first = permute(flat, (w.ndim - 1, w.ndim - 2, *range(w.ndim - 2)))
    return _convolve(x, first, strides, mode, form, dilation_rate, inner, "depthwise_conv")


@op("SeparableConv", tensors=3, module="nn")
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A convolution of each channel by itself, and then one across channels with a window of 1.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        depthwise_kernel: [*window, channels, multiplier].
        pointwise_kernel: [*1, channels · multiplier, filters].
        strides: Steps of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Steps within the window.
    """
    form = data_format_of(data_format, "separable_conv")
    deep = depthwise_conv(inputs, depthwise_kernel, strides, padding, form, dilation_rate)
    return conv(deep, pointwise_kernel, 1, "valid", form, 1)


@op("ConvTranspose", tensors=2, module="nn")
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """The adjoint of a convolution: every input spreads over a window of the result.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial] with "channels_first".
        kernel: [*window, filters, channels].
        strides: Steps of the window in the result.
        padding: "valid" for the whole result, "same" for `size · stride` of it.
        output_padding: How much longer the result is than it must be; by default what the padding asks for.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        dilation_rate: Steps within the window.

    Raises:
        ValueError: If shapes or settings do not fit.
    """
    x, w = _operands(inputs, kernel, "conv_transpose")
    rank = x.ndim - 2
    form, mode = data_format_of(data_format, "conv_transpose"), padding_of(padding, "conv_transpose")
    stride = pair(strides, rank, "conv_transpose: strides")
    dilation = pair(dilation_rate, rank, "conv_transpose: dilation_rate")
    extra: tuple[int | None, ...] = (None,) * rank
    if output_padding is not None:
        extra = (output_padding,) * rank if isinstance(output_padding, int) else tuple(output_padding)
    if any(e is not None and not 0 <= e < s for e, s in zip(extra, stride, strict=True)):
        raise ValueError(f"conv_transpose: output_padding {output_padding} must be below the strides {stride}.")
    first = to_channels_first(x, form)
    turned = permute(w, (w.ndim - 1, w.ndim - 2, *range(rank)))
    whole = emit(
        "ConvTranspose", first, turned, strides=stride, dilations=dilation, group=1, output_padding=(0,) * rank
    )
    windows: Sequence[Any] = sizes(w)[:rank]
    cuts = [_transposed_cut(mode, *item) for item in zip(windows, stride, dilation, extra, strict=True)]
    return from_channels_first(_cropped(whole, cuts), form)


def _transposed_cut(padding: str, window: int, stride: int, dilation: int, extra: int | None) -> tuple[int, int]:
    """How much of the whole result is cut off before, and how much is added (or cut off, if negative) after.

    The whole result is `(n - 1) stride + extent` long. Keras makes it `n · stride` for "same", or, with an output
    padding, `(n - 1) stride + extent mod 2 + extra`; what is left out goes in equal parts from both ends, the smaller
    one from the front.
    """
    extent = (window - 1) * dilation + 1
    if padding == "valid":
        return 0, (max(extent, stride) - extent if extra is None else extra)
    length = stride if extra is None else extent % 2 + extra
    change = length - extent
    kept = extent - 1 + change + extent - 1
    before = extent - 1 - min(kept - kept // 2, extent - 1)
    return before, change + before


def _cropped(x: Tensor, cuts: Sequence[tuple[int, int]]) -> Tensor:
    """[N, C, *S] with `before` cut off and `after` added (or cut off) on each spatial axis."""
    for axis, (before, after) in enumerate(cuts, start=2):
        size = sizes(x)[axis]
        end = size + min(after, 0)
        if before or after < 0:
            x = emit("Slice", x, starts=(before,), ends=(end,), axes=(axis,), steps=(1,))
        if after > 0:
            pads = tuple(after if i == axis else 0 for i in range(x.ndim))
            x = emit("Pad", x, before=(0,) * x.ndim, after=pads, value=0.0, mode="constant")
    return x
