"""Reading convolutions and pooling: their padding becomes a Pad."""

from __future__ import annotations

import math

from cornu.ir.dim import Dim, DimLike, ceil_div, floor_div, maximum
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value
from cornu.ir.types import Shape, is_float

Pads = list[tuple[DimLike, DimLike]]


def _pads(
    node: OnnxNode, sizes: Shape, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> Pads:
    """Before and after each spatial axis, from `pads` or `auto_pad`."""
    mode = node.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID"):
        given = node.get("pads", (0,) * (2 * len(kernel))) if mode == "NOTSET" else (0,) * (2 * len(kernel))
        return list(zip(given[: len(kernel)], given[len(kernel) :], strict=True))
    pads: Pads = []
    for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        extent = (k - 1) * dilation + 1
        total = maximum((ceil_div(size, stride) - 1) * stride + extent - size, 0)
        less, more = floor_div(total, 2), total - floor_div(total, 2)
        pads.append((less, more) if mode == "SAME_UPPER" else (more, less))
    return pads


def _padded(r: GraphReader, x: Value, pads: Pads, value: float) -> Value:
    if all(pad == 0 for pair in pads for pad in pair):
        return x
    before = (0, 0, *(pair[0] for pair in pads))
    after = (0, 0, *(pair[1] for pair in pads))
    return r.b.Pad(x, before=before, after=after, value=value, mode="constant")  # type: ignore[no-any-return]


def _kernel(r: GraphReader, node: OnnxNode, w: Value) -> tuple[int, ...]:
    kernel = node.get("kernel_shape", r.shape(w)[2:])
    if any(isinstance(size, Dim) for size in kernel):
        raise node.error(f"its kernel must have a known size, got {kernel}.")
    return tuple(kernel)


def _ones(node: OnnxNode, name: str, count: int) -> tuple[int, ...]:
    return tuple(node.get(name, (1,) * count))


def _biased(r: GraphReader, node: OnnxNode, y: Value) -> Value:
    if not node.has(2):
        return y
    bias = r.given(node, 2)
    return r.b.Add(y, r.b.Reshape(bias, shape=(r.shape(bias)[0], *(1,) * (y.type.rank - 2))))  # type: ignore[no-any-return]


@reads("Conv")
def _conv(r: GraphReader, node: OnnxNode) -> Value:
    return _biased(r, node, convolved(r, node, r.given(node, 0), r.given(node, 1)))


def convolved(r: GraphReader, node: OnnxNode, x: Value, w: Value) -> Value:
    """A convolution with a node's settings."""
    kernel = _kernel(r, node, w)
    strides, dilations = _ones(node, "strides", len(kernel)), _ones(node, "dilations", len(kernel))
    padded = _padded(r, x, _pads(node, r.shape(x)[2:], kernel, strides, dilations), 0.0)
    return r.b.Conv(padded, w, strides=strides, dilations=dilations, group=node.get("group", 1))  # type: ignore[no-any-return]


@reads("ConvTranspose")
def _conv_transpose(r: GraphReader, node: OnnxNode) -> Value:
    """Its pads crop the result."""
    x, w = r.given(node, 0), r.given(node, 1)
    kernel = _kernel(r, node, w)
    rank = len(kernel)
    strides, dilations = _ones(node, "strides", rank), _ones(node, "dilations", rank)
    extra = tuple(node.get("output_padding", (0,) * rank))
    if node.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or "output_shape" in node.attributes:
        raise node.error("auto_pad and output_shape are not supported.")
    y = r.b.ConvTranspose(x, w, strides=strides, dilations=dilations, group=node.get("group", 1), output_padding=extra)
    given = node.get("pads", (0,) * (2 * rank))
    if any(given):
        sizes = r.shape(y)[2:]
        ends = tuple(size - pad for size, pad in zip(sizes, given[rank:], strict=True))
        y = r.b.Slice(y, starts=given[:rank], ends=ends, axes=tuple(range(2, 2 + rank)), steps=(1,) * rank)
    return _biased(r, node, y)


def _rounded_up(
    pads: Pads, sizes: Shape, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> Pads:
    """Padding after each axis that makes room for the windows that ceil_mode adds."""
    result: Pads = []
    for (before, after), size, k, stride, dilation in zip(pads, sizes, kernel, strides, dilations, strict=True):
        rest = size + before + after - ((k - 1) * dilation + 1)
        count = ceil_div(rest, stride) + 1
        # A window that would start in the padding behind the axis does not exist.
        over = (count - 1) * stride - (size + before)
        if isinstance(over, int) and over >= 0:
            count = count - 1
        missing = maximum((count - 1) * stride - rest, 0)
        result.append((before, after + missing))
    return result


def _pool(r: GraphReader, node: OnnxNode, fill: float) -> tuple[Value, Pads, dict[str, tuple[int, ...]]]:
    x = r.given(node, 0)
    kernel = tuple(node.get("kernel_shape"))
    strides, dilations = _ones(node, "strides", len(kernel)), _ones(node, "dilations", len(kernel))
    sizes = r.shape(x)[2:]
    pads = _pads(node, sizes, kernel, strides, dilations)
    if node.get("ceil_mode", 0):
        if not all(isinstance(size, int) for size in sizes) and any(stride > 1 for stride in strides):
            raise node.error("ceil_mode on a symbolic size is not supported.")
        pads = _rounded_up(pads, sizes, kernel, strides, dilations)
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    return _padded(r, x, pads, fill), pads, attributes


@reads("MaxPool")
def _max_pool(r: GraphReader, node: OnnxNode) -> Value:
    if len([name for name in node.outputs if name]) > 1:
        raise node.error("the indices of maxima are not supported.")
    x = r.given(node, 0)
    if not is_float(x.dtype) and (any(node.get("pads", ())) or node.get("ceil_mode", 0)):
        raise node.error(f"padding of {x.dtype} is not supported.")
    padded, _, attributes = _pool(r, node, -math.inf)
    return r.b.MaxPool(padded, **attributes)  # type: ignore[no-any-return]


@reads("AveragePool")
def _average_pool(r: GraphReader, node: OnnxNode) -> Value:
    """Where padding does not count, the mean of zeros and elements over the mean of zeros and ones."""
    x = r.given(node, 0)
    padded, pads, attributes = _pool(r, node, 0.0)
    y = r.b.AveragePool(padded, **attributes)
    plain = all(pad == 0 for pair in pads for pad in pair)
    if plain or (node.get("count_include_pad", 0) and not node.get("ceil_mode", 0)):
        return y  # type: ignore[no-any-return]
    counted = 1.0 if node.get("count_include_pad", 0) else 0.0
    given = _pads(node, r.shape(x)[2:], *(attributes[name] for name in ("kernel_shape", "strides", "dilations")))
    ones = r.b.full((1, 1, *r.shape(x)[2:]), 1, x.dtype)
    inner = _padded(r, ones, given, counted)
    rest: Pads = [(0, after - own) for (_, after), (_, own) in zip(pads, given, strict=True)]
    return r.b.Div(y, r.b.AveragePool(_padded(r, inner, rest, 0.0), **attributes))  # type: ignore[no-any-return]
