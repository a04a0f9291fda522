"""The programs of level graphs: sizes, sharing, outputs of every kind, whole steps. Loops: `graph_loops`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.dim import floor_div, symbol
from cornu.ir.program import Value
from cornu.ir.types import TensorType

from cornu_conformance.formulas import conv, pool
from cornu_conformance.graph import BINDINGS, Graph, f32
from cornu_conformance.graph_loops import LOOPS

N, M = symbol("n"), symbol("m")
SIZES = ({"n": 4, "m": 6}, {"n": 1, "m": 5}, {"n": 2, "m": 7}, {"n": 4, "m": 6})
CONSTANT = np.arange(3, dtype=np.float32)
LARGE = (np.arange(200 * 130, dtype=np.float32).reshape(200, 130) % 17 - 8) / 64
Arrays = Sequence[np.ndarray]


def relu(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(x, 0.0))


def perceptron(b: Builder, x: Value, w: Value, v: Value) -> Value:
    hidden = b.Relu(b.MatMul(x, w))
    logits = b.MatMul(hidden, v)
    powers = b.Exp(b.Sub(logits, b.ReduceMax(logits, axes=(1,), keepdims=True)))
    result: Value = b.Div(powers, b.ReduceSum(powers, axes=(1,), keepdims=True))
    return result


def perceptron_formula(x: np.ndarray, w: np.ndarray, v: np.ndarray) -> Arrays:
    powers = np.exp(relu(x @ w) @ v)
    return [powers / powers.sum(1, keepdims=True)]


def sizes(b: Builder, x: Value) -> list[Value]:
    flat = b.Reshape(x, shape=(N * M * 2,))
    count = b.Cast(b.DimValue(size=N * M + 1), to="float32")
    half = b.Slice(flat, starts=(0,), ends=(floor_div(N * M * 2 + 1, 2),), axes=(0,), steps=(1,))
    return [flat, b.Div(b.ReduceSum(x, axes=(0, 1, 2), keepdims=False), count), half, b.DimValue(size=floor_div(N, 2))]


def sizes_formula(x: np.ndarray) -> Arrays:
    flat = x.ravel()
    return [flat, x.sum() / (flat.size // 2 + 1), flat[: (flat.size + 1) // 2], np.array(len(x) // 2)]


def mean_of_batch(b: Builder, x: Value) -> list[Value]:
    """What a loss does with a last batch that is smaller than the others."""
    centred = b.Sub(x, b.ReduceMean(x, axes=(0,), keepdims=True))
    return [b.ReduceMean(b.Mul(centred, centred), axes=(0,), keepdims=False), centred]


def mean_formula(x: np.ndarray) -> Arrays:
    return [x.var(0), x - x.mean(0)]


def diamond(b: Builder, x: Value, y: Value) -> Value:
    total, difference = b.Add(x, y), b.Sub(x, y)
    result: Value = b.Add(b.Mul(total, difference), b.Mul(x, b.Mul(x, total)))
    return result


def parts(b: Builder, x: Value) -> list[Value]:
    first, _, last = b.emit("Split", (x,), {"axis": 1, "sizes": (1, 2, 3)})
    b.Exp(b.MatMul(b.Transpose(x, perm=(1, 0)), x))  # dead
    _, places = b.emit("TopK", (last,), {"k": 1, "axis": 1, "largest": True, "sorted": True})
    return [b.Concat(last, first, axis=1), places]


def parts_formula(x: np.ndarray) -> Arrays:
    return [np.concatenate([x[:, 3:], x[:, :1]], 1), np.argmax(x[:, 3:], 1).reshape(-1, 1)]


def outputs(b: Builder, x: Value, y: Value) -> list[Value]:
    """An input, a constant, one value three times, and parts and forms of it and of an input."""
    z = b.Neg(x)
    shifted = b.Slice(z, starts=(0,), ends=(1,), axes=(0,), steps=(1,))
    return [y, b.constant(CONSTANT), z, z, b.Reshape(z, shape=(3, N)), shifted, b.Transpose(y, perm=(1, 0)), y]


def outputs_formula(x: np.ndarray, y: np.ndarray) -> Arrays:
    return [y, CONSTANT, -x, -x, -x.reshape(3, -1), -x[:1], y.T, y]


def convolution(b: Builder, x: Value, w: Value, bias: Value) -> Value:
    padded = b.Pad(x, before=(0, 0, 1, 1), after=(0, 0, 1, 1), value=0.0, mode="constant")
    y = b.Conv(padded, w, strides=(1, 1), dilations=(1, 1), group=1)
    active = b.Relu(b.Add(y, b.Reshape(bias, shape=(1, 4, 1, 1))))
    result: Value = b.MaxPool(active, kernel_shape=(2, 2), strides=(2, 2), dilations=(1, 1))
    return result


def convolution_formula(x: np.ndarray, w: np.ndarray, bias: np.ndarray) -> Arrays:
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    active = relu(conv(padded, w, (1, 1), (1, 1), 1) + bias.reshape(1, 4, 1, 1))
    return [pool(max, active, (2, 2), (2, 2), (1, 1))]


def mixed(b: Builder, x: Value, flags: Value, whole: Value) -> list[Value]:
    chosen = b.Where(b.And(flags, b.Greater(x, 0.0)), x, b.Cast(whole, to="float32"))
    count = b.ReduceSum(b.Cast(flags, to="int64"), axes=(0,), keepdims=False)
    half = b.Cast(b.Mul(b.Cast(chosen, to="bfloat16"), 2.0), to="float32")
    return [chosen, count, half, b.Not(flags), b.Mod(b.Add(whole, 7), 3)]


def mixed_formula(x: np.ndarray, flags: np.ndarray, whole: np.ndarray) -> Arrays:
    chosen = np.where(flags & (x > 0), x, whole)
    return [chosen, flags.sum(0), _bfloat16(chosen.astype(np.float32)) * 2.0, ~flags, (whole + 7) % 3]


def _bfloat16(x: np.ndarray) -> np.ndarray:
    """Rounded to the nearest number of 8 bits of significand, ties to even."""
    bits = x.view(np.uint32).astype(np.uint64)
    return np.asarray((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def embedding(b: Builder, table: Value, words: Value) -> list[Value]:
    """Rows of a table, and the table after what belongs to them was added: words occur more than once."""
    rows = b.Gather(table, words, axis=0)
    places = b.Reshape(words, shape=(N * M, 1))
    updates = b.Reshape(rows, shape=(N * M, 2))
    return [rows, b.ScatterND(table, places, updates, reduction="add")]


def embedding_formula(table: np.ndarray, words: np.ndarray) -> Arrays:
    added = table.copy()
    for word in words.ravel():
        added[word] += table[word]
    return [table[words], added]


def chain(b: Builder, x: Value) -> Value:
    """Long enough that memory is used again many times."""
    y = x
    for i in range(60):
        y = b.Add(b.Mul(y, 0.5), b.Tanh(x)) if i % 3 else b.Sub(b.Abs(y), x)
    return y


def chain_formula(x: np.ndarray) -> Arrays:
    y = x
    for i in range(60):
        y = y * 0.5 + np.tanh(x) if i % 3 else abs(y) - x
    return [y]


def frozen(b: Builder, x: Value) -> list[Value]:
    weights = b.constant(LARGE)
    hidden = b.MatMul(x, weights)
    return [b.MatMul(hidden, b.Transpose(weights, perm=(1, 0))), b.Identity(weights)]


def step(b: Builder, x: Value, y: Value, w: Value) -> list[Value]:
    """A step of gradient descent on a mean squared error."""
    error = b.Sub(b.MatMul(x, w), y)
    loss = b.ReduceMean(b.Mul(error, error), axes=(0, 1), keepdims=False)
    (gradient,) = backward(b, {loss: b.constant(1.0, "float32")}, [w])
    return [loss, b.Sub(w, b.Mul(gradient, 0.1))] if gradient is not None else []


def step_formula(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Arrays:
    error = x @ w - y
    return [(error**2).mean(), w - 0.1 * 2 * x.T @ error / error.size]


def barrier(b: Builder, x: Value) -> list[Value]:
    y = b.Exp(x)
    (held,) = b.emit("Barrier", (x, y), {})
    return [b.Mul(y, b.Exp(held)), y]


F64 = TensorType("float64", (N, 3))
NOT_EMPTY = ({"n": 3, "m": 2}, {"n": 1, "m": 4}, {"n": 6, "m": 1}, {"n": 3, "m": 2})
GRAPHS: list[Graph] = [
    Graph("perceptron", [f32(N, 5), f32(5, 8), f32(8, 3)], perceptron, perceptron_formula, differentiable=True),
    Graph("sizes", [f32(N, M, 2)], sizes, sizes_formula, differentiable=True),
    Graph("batch_statistics", [f32(N, 3)], mean_of_batch, mean_formula, NOT_EMPTY, True),
    Graph(
        "shared_inputs", [f32(N, 3), f32(3)], diamond, lambda x, y: [x * x - y * y + x * x * (x + y)], BINDINGS, True
    ),
    Graph("float64", [F64, F64], diamond, lambda x, y: [x * x - y * y + x * x * (x + y)], BINDINGS, True),
    Graph("unread_results", [f32(N, 6)], parts, parts_formula, differentiable=True),
    Graph("outputs_of_every_kind", [f32(N, 3), f32(2, 3)], outputs, outputs_formula, NOT_EMPTY, True),
    Graph("no_nodes", [f32(N), f32(2)], lambda b, x, y: [y, x], lambda x, y: [y, x]),
    Graph(
        "no_inputs",
        [],
        lambda b: b.Exp(b.Mul(b.Range(start=0, step=1, size=4, dtype="float32"), 0.5)),
        lambda: [np.exp(np.arange(4) / 2)],
    ),
    Graph("no_outputs", [f32(N)], lambda b, x: [], lambda x: []),
    Graph("unread_input", [f32(N), f32(3)], lambda b, x, y: b.Neg(y), lambda x, y: [-y], differentiable=True),
    Graph("convolution", [f32(N, 2, M, 5), f32(4, 2, 3, 3), f32(4)], convolution, convolution_formula, SIZES, True),
    Graph(
        "dtypes",
        [f32(N, 2), TensorType("bool", (N, 2)), TensorType("int32", (N, 2))],
        mixed,
        mixed_formula,
    ),
    Graph("embedding", [f32(3, 2), TensorType("int32", (N, M))], embedding, embedding_formula, differentiable=True),
    Graph("long_chain", [f32(N, 40)], chain, chain_formula, differentiable=True),
    Graph("large_constants", [f32(N, 200)], frozen, lambda x: [x @ LARGE @ LARGE.T, LARGE], tolerance=20),
    Graph("training_step", [f32(N, 4), f32(N, 2), f32(4, 2)], step, step_formula, NOT_EMPTY),
    Graph("barrier", [f32(N, 3)], barrier, lambda x: [np.exp(x) ** 2, np.exp(x)], differentiable=True),
    *LOOPS,
]
