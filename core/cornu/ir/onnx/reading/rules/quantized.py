"""Reading quantized tensors: integers with a scale and a zero point."""

from __future__ import annotations

from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.reading.rules.windows import convolved
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value
from cornu.ir.types import is_float, numpy_dtype


def _like(r: GraphReader, node: OnnxNode, setting: Value, x: Value) -> Value:
    """A scale or zero point as it broadcasts: one number, one for each place on the axis, or one for each block."""
    if setting.type.rank == 0 or (setting.type.rank == 1 and r.shape(setting) == (1,)):
        return r.b.Reshape(setting, shape=()) if setting.type.rank else setting
    axis, block = node.axis(x.type.rank, 1), node.get("block_size", 0)
    shape = r.shape(x)
    if setting.type.rank == 1:
        return r.b.Reshape(setting, shape=tuple(shape[i] if i == axis else 1 for i in range(len(shape))))  # type: ignore[no-any-return]
    if block <= 0:
        raise node.error("a scale of the rank of the tensor needs a block_size.")
    blocks = r.shape(setting)
    wide = r.b.Reshape(setting, shape=(*blocks[: axis + 1], 1, *blocks[axis + 1 :]))
    repeated = r.b.Tile(wide, repeats=tuple(block if i == axis + 1 else 1 for i in range(len(blocks) + 1)))
    whole = r.b.Reshape(repeated, shape=tuple(n * block if i == axis else n for i, n in enumerate(blocks)))
    return r.b.Slice(whole, starts=(0,), ends=(shape[axis],), axes=(axis,), steps=(1,))  # type: ignore[no-any-return]


@reads("DequantizeLinear")
def _dequantize(r: GraphReader, node: OnnxNode) -> Value:
    """`(x - zero point) · scale`."""
    x, scale = r.given(node, 0), r.fixed(node, 1)
    difference = r.b.Cast(x, to="float32") if x.dtype != "float32" else x
    if node.has(2):
        zero = r.b.Cast(_like(r, node, r.given(node, 2), x), to="float32")
        difference = r.b.Sub(difference, zero)
    factor = _like(r, node, scale, x)
    product = r.b.Mul(difference, factor if factor.dtype == "float32" else r.b.Cast(factor, to="float32"))
    to = DTYPE_OF_ELEMENT_TYPE.get(node.get("output_dtype", 0), scale.dtype)
    return product if to == "float32" else r.b.Cast(product, to=to)  # type: ignore[no-any-return]


@reads("QuantizeLinear")
def _quantize(r: GraphReader, node: OnnxNode) -> Value:
    """`x / scale`, rounded to the nearest even, plus the zero point, within the range of the integers."""
    x, scale = r.given(node, 0), _like(r, node, r.fixed(node, 1), r.given(node, 0))
    zero = r.given(node, 2) if node.has(2) else None
    number = node.get("output_dtype", 0)
    if number and number not in DTYPE_OF_ELEMENT_TYPE:
        raise node.error(f"programs do not have the element type {number}.")
    to = zero.dtype if zero is not None else DTYPE_OF_ELEMENT_TYPE.get(number, "uint8")
    wide = "float32" if x.dtype != "float64" else "float64"
    steps = r.b.Round(r.b.Div(_as(r, x, wide), _as(r, scale, wide)))
    if zero is not None:
        steps = r.b.Add(steps, _as(r, _like(r, node, zero, x), wide))
    return _saturated(r, steps, to)


def _as(r: GraphReader, x: Value, dtype: str) -> Value:
    return x if x.dtype == dtype else r.b.Cast(x, to=dtype)


def _saturated(r: GraphReader, x: Value, dtype: str) -> Value:
    if is_float(dtype):
        raise ValueError(f"quantization to {dtype} is not supported.")
    limits = _limits(dtype)
    return r.b.Cast(r.b.Min(r.b.Max(x, float(limits[0])), float(limits[1])), to=dtype)  # type: ignore[no-any-return]


def _limits(dtype: str) -> tuple[int, int]:
    import numpy as np

    info = np.iinfo(numpy_dtype(dtype))
    return int(info.min), int(info.max)


@reads("DynamicQuantizeLinear")
def _dynamic_quantize(r: GraphReader, node: OnnxNode) -> list[Value]:
    """Bytes with a scale and zero point that make the range of the tensor, with 0 in it, 0 to 255."""
    x = r.given(node, 0)
    everything = {"axes": tuple(range(x.type.rank)), "keepdims": False}
    largest = r.b.Max(r.b.emit("ReduceMax", (x,), everything)[0], 0.0)
    smallest = r.b.Min(r.b.emit("ReduceMin", (x,), everything)[0], 0.0)
    scale = r.b.Div(r.b.Sub(largest, smallest), 255.0)
    # A tensor of zeros has the scale 0; any other serves it.
    safe = r.b.Where(r.b.Equal(scale, 0.0), r.b.constant(1.0, "float32"), scale)
    zero = _saturated(r, r.b.Round(r.b.Min(r.b.Max(r.b.Div(r.b.Sub(0.0, smallest), safe), 0.0), 255.0)), "uint8")
    steps = r.b.Add(r.b.Round(r.b.Div(x, safe)), r.b.Cast(zero, to="float32"))
    return [_saturated(r, steps, "uint8"), scale, zero]


@reads("MatMulInteger")
def _matmul_integer(r: GraphReader, node: OnnxNode) -> Value:
    sides = []
    for i in (0, 1):
        side = r.b.Cast(r.given(node, i), to="int32")
        if node.has(i + 2):
            zero = r.b.Cast(r.given(node, i + 2), to="int32")
            # One zero point for each row of the first operand, or for each column of the second.
            if i == 0 and zero.type.rank == 1 and r.shape(zero) != (1,):
                zero = r.b.Reshape(zero, shape=(r.shape(zero)[0], 1))
            side = r.b.Sub(side, zero)
        sides.append(side)
    return r.b.MatMul(*sides)  # type: ignore[no-any-return]


def _from_zero(r: GraphReader, node: OnnxNode, i: int, zero: int) -> Value:
    """A quantized operand of a convolution as float32, with its zero point at 0."""
    x = r.given(node, i)
    side = _as(r, x, "float32")
    if not node.has(zero):
        return side
    point = _as(r, r.given(node, zero), "float32")
    return r.b.Sub(side, _by_filter(r, point, x.type.rank))  # type: ignore[no-any-return]


def _by_filter(r: GraphReader, setting: Value, rank: int) -> Value:
    """One number, or one for each filter, as it broadcasts with filters."""
    if setting.type.rank == 1 and r.shape(setting) != (1,):
        return r.b.Reshape(setting, shape=(r.shape(setting)[0], *(1,) * (rank - 1)))  # type: ignore[no-any-return]
    return _scalar(r, setting)


def _whole_convolution(r: GraphReader, node: OnnxNode, x: Value, w: Value) -> Value:
    """In floats, which are exact to 2²⁴: the input's upper and lower four bits by themselves are within that."""
    upper = r.b.Floor(r.b.Mul(x, 1 / 16))
    lower = r.b.Sub(x, r.b.Mul(upper, 16.0))
    parts = [r.b.Cast(convolved(r, node, part, w), to="int32") for part in (upper, lower)]
    return r.b.Add(r.b.Mul(parts[0], 16), parts[1])  # type: ignore[no-any-return]


@reads("ConvInteger")
def _conv_integer(r: GraphReader, node: OnnxNode) -> Value:
    return _whole_convolution(r, node, _from_zero(r, node, 0, 2), _from_zero(r, node, 1, 3))


@reads("QLinearConv")
def _qlinear_conv(r: GraphReader, node: OnnxNode) -> Value:
    total = _whole_convolution(r, node, _from_zero(r, node, 0, 2), _from_zero(r, node, 3, 5))
    rank = total.type.rank
    if node.has(8):
        bias = r.given(node, 8)
        total = r.b.Add(total, r.b.Reshape(bias, shape=(r.shape(bias)[0], *(1,) * (rank - 2))))
    by_x, by_w, by_y = (_as(r, r.fixed(node, i), "float32") for i in (1, 4, 6))
    factor = r.b.Div(r.b.Mul(_scalar(r, by_x), _by_filter(r, by_w, rank - 1)), _scalar(r, by_y))
    zero = r.given(node, 7)
    steps = r.b.Add(r.b.Round(r.b.Mul(_as(r, total, "float32"), factor)), _as(r, _scalar(r, zero), "float32"))
    return _saturated(r, steps, zero.dtype)


@reads("QLinearMatMul")
def _qlinear_matmul(r: GraphReader, node: OnnxNode) -> Value:
    sides = []
    for i in (0, 3):
        x, scale, zero = r.given(node, i), r.fixed(node, i + 1), r.given(node, i + 2)
        difference = r.b.Sub(_as(r, x, "float32"), _as(r, _scalar(r, zero), "float32"))
        sides.append(r.b.Mul(difference, _as(r, _scalar(r, scale), "float32")))
    scale, zero = _as(r, _scalar(r, r.fixed(node, 6)), "float32"), r.given(node, 7)
    steps = r.b.Add(r.b.Round(r.b.Div(r.b.MatMul(*sides), scale)), _as(r, _scalar(r, zero), "float32"))
    return _saturated(r, steps, zero.dtype)


def _scalar(r: GraphReader, x: Value) -> Value:
    return r.b.Reshape(x, shape=()) if x.type.rank == 1 and r.shape(x) == (1,) else x
