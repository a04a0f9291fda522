"""Programs and arrays that the tests of passes and backends share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cornu.primitives  # noqa: F401 - registers the primitives
import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.dim import DimLike, substitute, symbol
from cornu.ir.program import Program, Value
from cornu.ir.types import FLOATS, TensorType, numpy_dtype


def f32(*shape: DimLike) -> TensorType:
    """A float32 type."""
    return TensorType("float32", shape)


def count(program: Program, op: str) -> int:
    """How many nodes of an operator a program and its sub-programs hold."""
    return sum(node.op == op for node in program.walk())


def draw(program: Program, sizes: Mapping[str, int], seed: int = 0) -> list[np.ndarray]:
    """Arrays for the inputs of a program."""
    rng = np.random.default_rng(seed)
    arrays = []
    for value in program.inputs:
        shape = [int(substitute(dim, sizes)) for dim in value.shape]
        array = rng.standard_normal(shape) if value.dtype in FLOATS else rng.integers(0, 2, shape)
        arrays.append(array.astype(numpy_dtype(value.dtype)))
    return arrays


def assert_same(left: Sequence[np.ndarray], right: Sequence[np.ndarray], tolerance: float = 2e-5) -> None:
    """Checks dtypes, shapes and numbers."""
    assert len(left) == len(right)
    for x, y in zip(left, right, strict=True):
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        if x.dtype.kind in "biu":
            np.testing.assert_array_equal(x, y)
        else:
            wide = [a.astype(np.float64) for a in (x, y)]
            np.testing.assert_allclose(*wide, rtol=tolerance, atol=tolerance)


def cross_entropy(b: Builder, logits: Value, labels: Value) -> Value:
    """The mean over the first axis of `-sum(labels * log_softmax(logits))`."""
    shifted = b.Sub(logits, b.ReduceMax(logits, axes=(1,), keepdims=True))
    total = b.Log(b.ReduceSum(b.Exp(shifted), axes=(1,), keepdims=True))
    each = b.ReduceSum(b.Mul(b.Sub(shifted, total), labels), axes=(1,), keepdims=False)
    loss: Value = b.Neg(b.ReduceMean(each, axes=(0,), keepdims=False))
    return loss


def train_step(b: Builder, loss: Value, weights: Sequence[Value]) -> Program:
    """The loss and the weights after a step of gradient descent."""
    gradients = backward(b, {loss: b.constant(1, loss.dtype)}, weights)
    return b.finish([loss, *(b.Sub(w, b.Mul(g, 0.1)) for w, g in zip(weights, gradients, strict=True))])


def dense(b: Builder, x: Value, units: int, weights: list[Value]) -> Value:
    """A dense layer, its bias broadcast as Keras does it."""
    weights += [b.input(f32(x.shape[-1], units), "w"), b.input(f32(units), "b")]
    result: Value = b.Add(b.MatMul(x, weights[-2]), b.Reshape(weights[-1], shape=(1, units)))
    return result


def mlp(*, train: bool, widths: Sequence[int] = (20, 16, 8), batch: DimLike | None = None) -> Program:
    """A multilayer perceptron: a train step, or a prediction."""
    n = symbol("n") if batch is None else batch
    b = Builder("mlp")
    h, weights = b.input(f32(n, widths[0]), "x"), []
    labels = b.input(f32(n, widths[-1]), "labels") if train else None
    for i, units in enumerate(widths[1:]):
        h = dense(b, h if i == 0 else b.Relu(h), units, weights)
    return b.finish([h]) if labels is None else train_step(b, cross_entropy(b, h, labels), weights)


def channels_last_conv(b: Builder, x: Value, filters: int, kernel: int, weights: list[Value], stride: int = 1) -> Value:
    """A convolution [N, H, W, C] -> [N, H, W, filters] as a channels-last layer records it."""
    weights += [b.input(f32(kernel, kernel, x.shape[-1], filters), "kernel"), b.input(f32(filters), "bias")]
    image = b.Transpose(x, perm=(0, 3, 1, 2))
    flipped = b.Transpose(weights[-2], perm=(3, 2, 0, 1))
    y = b.Conv(image, flipped, strides=(stride, stride), dilations=(1, 1), group=1)
    return b.Add(b.Transpose(y, perm=(0, 2, 3, 1)), b.Reshape(weights[-1], shape=(1, 1, 1, filters)))  # type: ignore[no-any-return]


def channels_last_pool(b: Builder, x: Value) -> Value:
    """A 2 x 2 maximum pooling of [N, H, W, C]."""
    y = b.MaxPool(b.Transpose(x, perm=(0, 3, 1, 2)), kernel_shape=(2, 2), strides=(2, 2), dilations=(1, 1))
    return b.Transpose(y, perm=(0, 2, 3, 1))  # type: ignore[no-any-return]


def cnn(*, train: bool, image: int = 14, filters: tuple[int, int] = (4, 6), batch: DimLike | None = None) -> Program:
    """Conv, pool, conv, pool, dense, all channels last: a train step, or a prediction."""
    n = symbol("n") if batch is None else batch
    b = Builder("cnn")
    h, weights = b.input(f32(n, image, image, 1), "x"), []
    labels = b.input(f32(n, 10), "labels") if train else None
    for width in filters:
        h = channels_last_pool(b, b.Relu(channels_last_conv(b, h, width, 3, weights)))
    size = h.shape[1] * h.shape[2] * h.shape[3]
    h = dense(b, b.Reshape(h, shape=(n, size)), 10, weights)
    return b.finish([h]) if labels is None else train_step(b, cross_entropy(b, h, labels), weights)
