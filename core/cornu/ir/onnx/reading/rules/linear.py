"""Reading matrix products, normalizations and softmax."""

from __future__ import annotations

from cornu.ir.builder import Builder
from cornu.ir.dim import product
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.reading.rules.calls import call
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value


@reads("MatMul")
def _matmul(r: GraphReader, node: OnnxNode) -> Value:
    """Vectors are matrices of one row or column whose axis goes again."""
    x, y = r.all(node)
    left, right = x.type.rank == 1, y.type.rank == 1
    if left:
        x = r.b.Reshape(x, shape=(1, r.shape(x)[0]))
    if right:
        y = r.b.Reshape(y, shape=(r.shape(y)[0], 1))
    z = r.b.MatMul(x, y)
    if not (left or right):
        return z  # type: ignore[no-any-return]
    shape = r.shape(z)
    batch = shape[:-2]
    return r.b.Reshape(z, shape=(*batch, *(() if left else shape[-2:-1]), *(() if right else shape[-1:])))  # type: ignore[no-any-return]


@reads("Gemm")
def _gemm(r: GraphReader, node: OnnxNode) -> Value:
    x, y = r.given(node, 0), r.given(node, 1)
    x = r.b.Transpose(x, perm=(1, 0)) if node.get("transA", 0) else x
    y = r.b.Transpose(y, perm=(1, 0)) if node.get("transB", 0) else y
    z = r.b.MatMul(x, y)
    if node.get("alpha", 1.0) != 1:
        z = r.b.Mul(z, node.get("alpha"))
    if not node.has(2):
        return z  # type: ignore[no-any-return]
    c = r.given(node, 2)
    return r.b.Add(z, c if node.get("beta", 1.0) == 1 else r.b.Mul(c, node.get("beta")))  # type: ignore[no-any-return]


@reads("Softmax", "LogSoftmax")
def _softmax(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    logarithm = node.op == "LogSoftmax"
    axis = node.axis(x.type.rank, -1 if r.opset >= 13 else 1)

    def body(b: Builder, x: Value) -> list[Value]:
        along = {"axes": (axis,), "keepdims": True}
        shifted = b.Sub(x, b.emit("ReduceMax", (x,), along)[0])
        powers = b.Exp(shifted)
        total = b.emit("ReduceSum", (powers,), along)[0]
        return [b.Sub(shifted, b.Log(total)) if logarithm else b.Div(powers, total)]

    if r.opset >= 13:
        return call(r.b, node.op, [x], body, axis=axis)[0]
    # Before opset 13 it went over all axes from `axis` on.
    shape = r.shape(x)
    rows, axis = (product(shape[:axis]), product(shape[axis:])), 1
    flat = r.b.Reshape(x, shape=rows)
    return r.b.Reshape(call(r.b, node.op, [flat], body, axis=1)[0], shape=shape)  # type: ignore[no-any-return]


@reads("BatchNormalization")
def _batch_normalization(r: GraphReader, node: OnnxNode) -> Value | list[Value]:
    x, scale, offset, mean, variance = r.all(node)
    epsilon = node.get("epsilon", 1e-5)
    if node.get("training_mode", 0):
        return _batch_normalization_training(r, node)

    def body(b: Builder, x: Value, scale: Value, offset: Value, mean: Value, variance: Value) -> list[Value]:
        factor = b.Div(scale, b.Sqrt(b.Add(variance, epsilon)))
        summand = b.Sub(offset, b.Mul(mean, factor))
        return [b.Add(b.Mul(x, _per_channel(b, factor, x)), _per_channel(b, summand, x))]

    return call(r.b, "BatchNormalization", [x, scale, offset, mean, variance], body, epsilon=epsilon)[0]


def _per_channel(b: Builder, values: Value, x: Value) -> Value:
    return b.Reshape(values, shape=(values.shape[0], *(1,) * (x.type.rank - 2)))  # type: ignore[no-any-return]


def _batch_normalization_training(r: GraphReader, node: OnnxNode) -> list[Value]:
    """The batch's own statistics, and running ones moved towards them."""
    x, scale, offset, mean, variance = r.all(node)
    epsilon, momentum = node.get("epsilon", 1e-5), node.get("momentum", 0.9)

    def body(b: Builder, x: Value, scale: Value, offset: Value) -> list[Value]:
        axes = tuple(i for i in range(x.type.rank) if i != 1)
        own_mean = b.ReduceMean(x, axes=axes, keepdims=False)
        off = b.Sub(x, _per_channel(b, own_mean, x))
        own_variance = b.ReduceMean(b.Mul(off, off), axes=axes, keepdims=False)
        inverse = b.Reciprocal(b.Sqrt(b.Add(own_variance, epsilon)))
        y = b.Add(b.Mul(off, _per_channel(b, b.Mul(scale, inverse), x)), _per_channel(b, offset, x))
        return [y, own_mean, own_variance]

    y, own_mean, own_variance = call(r.b, "BatchNormalizationTraining", [x, scale, offset], body, epsilon=epsilon)
    if momentum == 0:
        return [y, own_mean, own_variance]
    pairs = ((mean, own_mean), (variance, own_variance))
    moved = [r.b.Add(r.b.Mul(old, momentum), r.b.Mul(new, 1 - momentum)) for old, new in pairs]
    return [y, *moved]


@reads("LayerNormalization")
def _layer_normalization(r: GraphReader, node: OnnxNode) -> tuple[Value, ...]:
    x = r.given(node, 0)
    axis, epsilon = node.axis(x.type.rank, -1), node.get("epsilon", 1e-5)
    axes = tuple(range(axis, x.type.rank))

    def body(b: Builder, x: Value, scale: Value, *offset: Value) -> list[Value]:
        mean = b.ReduceMean(x, axes=axes, keepdims=True)
        off = b.Sub(x, mean)
        inverse = b.Reciprocal(b.Sqrt(b.Add(b.ReduceMean(b.Mul(off, off), axes=axes, keepdims=True), epsilon)))
        y = b.Mul(b.Mul(off, inverse), scale)
        return [b.Add(y, offset[0]) if offset else y, *[mean, inverse][: len(node.outputs) - 1]]

    given = [r.value(name) for name in node.inputs if name]
    return call(r.b, "LayerNormalization", given, body, axis=axis, epsilon=epsilon, primals=1)


@reads("RMSNormalization")
def _rms_normalization(r: GraphReader, node: OnnxNode) -> Value:
    x, scale = r.all(node)
    axis, epsilon = node.axis(x.type.rank, -1), node.get("epsilon", 1e-5)
    axes = tuple(range(axis, x.type.rank))

    def body(b: Builder, x: Value, scale: Value) -> list[Value]:
        mean = b.ReduceMean(b.Mul(x, x), axes=axes, keepdims=True)
        return [b.Mul(b.Mul(x, b.Reciprocal(b.Sqrt(b.Add(mean, epsilon)))), scale)]

    return call(r.b, "RMSNormalization", [x, scale], body, axis=axis, epsilon=epsilon)[0]
