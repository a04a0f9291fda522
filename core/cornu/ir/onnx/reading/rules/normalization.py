"""Reading normalizations over an instance, over neighbouring channels, and to a norm of 1."""

from __future__ import annotations

from cornu.ir.dim import Dim
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value


def _per_channel(r: GraphReader, values: Value, rank: int) -> Value:
    return r.b.Reshape(values, shape=(1, r.shape(values)[0], *(1,) * (rank - 2)))  # type: ignore[no-any-return]


@reads("InstanceNormalization")
def _instance_normalization(r: GraphReader, node: OnnxNode) -> Value:
    x, scale, offset = r.all(node)
    rank = x.type.rank
    along = {"axes": tuple(range(2, rank)), "keepdims": True}
    off = r.b.Sub(x, r.b.emit("ReduceMean", (x,), along)[0])
    variance = r.b.emit("ReduceMean", (r.b.Mul(off, off),), along)[0]
    inverse = r.b.Reciprocal(r.b.Sqrt(r.b.Add(variance, node.get("epsilon", 1e-5))))
    scaled = r.b.Mul(r.b.Mul(off, inverse), _per_channel(r, scale, rank))
    return r.b.Add(scaled, _per_channel(r, offset, rank))  # type: ignore[no-any-return]


@reads("LRN")
def _lrn(r: GraphReader, node: OnnxNode) -> Value:
    """`x / (bias + alpha / size · the sum of squares of neighbouring channels) ^ beta`."""
    x, size = r.given(node, 0), node.get("size")
    if size < 1:
        raise node.error(f"its size must be positive, got {size}.")
    shape, rank = r.shape(x), x.type.rank
    channels = shape[1]
    if isinstance(channels, int):
        size = min(size, 2 * channels + 1 - (size % 2 == 0)) if size > 2 * channels else size
    before = (size - 1) // 2
    pads = [0] * rank
    first, last = [*pads], [*pads]
    first[1], last[1] = before, size - 1 - before
    # The channels become a spatial axis of one column, and the mean over a window of it is a pooling.
    squares = r.b.Pad(r.b.Mul(x, x), before=tuple(first), after=tuple(last), value=0.0, mode="constant")
    rows = r.b.Reshape(squares, shape=(shape[0], 1, channels + size - 1, _product(shape[2:])))
    means = r.b.AveragePool(rows, kernel_shape=(size, 1), strides=(1, 1), dilations=(1, 1))
    scaled = r.b.Add(r.b.Mul(r.b.Reshape(means, shape=shape), node.get("alpha", 1e-4)), node.get("bias", 1.0))
    return r.b.Div(x, r.b.Pow(scaled, node.get("beta", 0.75)))  # type: ignore[no-any-return]


def _product(dims: tuple[int | Dim, ...]) -> int | Dim:
    from cornu.ir.dim import product

    return product(dims)


@reads("LpNormalization")
def _lp_normalization(r: GraphReader, node: OnnxNode) -> Value:
    x, p = r.given(node, 0), node.get("p", 2)
    axis = node.axis(x.type.rank, -1)
    norm = _norm(r, x, p, (axis,))
    # A vector of zeros stays one.
    return r.b.Div(x, r.b.Where(r.b.Equal(norm, 0), r.b.constant(1, x.dtype), norm))  # type: ignore[no-any-return]


def _norm(r: GraphReader, x: Value, p: float, axes: tuple[int, ...]) -> Value:
    along = {"axes": axes, "keepdims": True}
    if p == 1:
        return r.b.emit("ReduceSum", (r.b.Abs(x),), along)[0]
    if p == 2:
        return r.b.Sqrt(r.b.emit("ReduceSum", (r.b.Mul(x, x),), along)[0])  # type: ignore[no-any-return]
    total = r.b.emit("ReduceSum", (r.b.Pow(r.b.Abs(x), float(p)),), along)[0]
    return r.b.Pow(total, 1.0 / p)  # type: ignore[no-any-return]


@reads("GlobalLpPool")
def _global_lp_pool(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    return _norm(r, x, node.get("p", 2), tuple(range(2, x.type.rank)))


@reads("Hardmax")
def _hardmax(r: GraphReader, node: OnnxNode) -> Value:
    """1 at the first largest element along the axis, 0 elsewhere; before opset 13 along all axes from it on."""
    x = r.given(node, 0)
    shape = r.shape(x)
    axis = node.axis(x.type.rank, -1 if r.opset >= 13 else 1)
    flat, along = x, axis
    if r.opset < 13:
        flat, along = r.b.Reshape(x, shape=(_product(shape[:axis]), _product(shape[axis:]))), 1
    sizes = r.shape(flat)
    first = r.b.ArgMax(flat, axis=along, keepdims=True)
    places = r.b.Range(start=0, step=1, size=sizes[along], dtype="int64")
    row = r.b.Reshape(places, shape=tuple(size if i == along else 1 for i, size in enumerate(sizes)))
    ones = r.b.Cast(r.b.Equal(first, row), to=x.dtype)
    return ones if flat is x else r.b.Reshape(ones, shape=shape)  # type: ignore[no-any-return]
