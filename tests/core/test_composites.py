"""Composites: values by formula on both backends, what their nodes look like, and that inlining changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cornu import composites, function, grad, ops, use_backend
from cornu.ir.passes import inline
from cornu.ir.program import Node, Program

R = np.random.RandomState(0)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


def run(f: Callable[..., Any], *arrays: np.ndarray) -> list[np.ndarray]:
    """Eagerly, and as a program: the same numbers."""
    eager = f(*map(ops.convert_to_tensor, arrays))
    traced = function(f)(*arrays)
    eager, traced = (list(x) if isinstance(x, tuple) else [x] for x in (eager, traced))
    for left, right in zip(eager, traced, strict=True):
        np.testing.assert_allclose(np.asarray(left), np.asarray(right), rtol=1e-5, atol=1e-6)
    return [np.asarray(x).astype(np.float64) for x in eager]


def program(f: Callable[..., Any], *arrays: np.ndarray) -> Program:
    return function(f).traced(*arrays).compiled.program


def only_call(f: Callable[..., Any], *arrays: np.ndarray) -> Node:
    (node,) = [node for node in program(f, *arrays).nodes if node.op == "Call"]
    return node


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm_reference(x: Any, kernel: Any, recurrent: Any, bias: Any, h: Any, c: Any, mask: Any, reverse: bool) -> Any:
    outputs = []
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        i, f, g, o = np.split(x[t] @ kernel + h @ recurrent + bias, 4, axis=1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        keep = mask[t] if mask is not None else 1.0
        h, c = keep * new_h + (1 - keep) * h, keep * new_c + (1 - keep) * c
        outputs.append(h)
    return np.stack(outputs[::-1] if reverse else outputs), h, c


def gru_reference(x: Any, kernel: Any, recurrent: Any, bias: Any, h: Any, mask: Any, reverse: bool) -> Any:
    outputs = []
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        xz, xr, xn = np.split(x[t] @ kernel + bias[0], 3, axis=1)
        hz, hr, hn = np.split(h @ recurrent + bias[1], 3, axis=1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        new = z * h + (1 - z) * np.tanh(xn + r * hn)
        keep = mask[t] if mask is not None else 1.0
        h = keep * new + (1 - keep) * h
        outputs.append(h)
    return np.stack(outputs[::-1] if reverse else outputs), h


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_lstm(masked: bool, reverse: bool) -> None:
    arrays = [draw(6, 3, 5), draw(5, 16), draw(4, 16), draw(16), draw(3, 4), draw(3, 4)]
    mask = (R.rand(6, 3, 1) > 0.3).astype(np.float32) if masked else None
    found = run(
        lambda *a: composites.lstm(*a, mask=None if mask is None else ops.array(mask), reverse=reverse), *arrays
    )
    for have, want in zip(found, lstm_reference(*arrays, mask, reverse), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_gru(masked: bool, reverse: bool) -> None:
    arrays = [draw(6, 3, 5), draw(5, 12), draw(4, 12), draw(2, 12), draw(3, 4)]
    mask = (R.rand(6, 3, 1) > 0.3).astype(np.float32) if masked else None

    def cell(*tensors: Any) -> Any:
        return composites.gru(*tensors, mask=None if mask is None else ops.array(mask), reverse=reverse)

    found = run(cell, *arrays)
    for have, want in zip(found, gru_reference(*arrays, mask, reverse), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


def rnn_reference(x: Any, kernel: Any, recurrent: Any, bias: Any, h: Any, mask: Any, reverse: bool, act: Any) -> Any:
    outputs = []
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        new = act(x[t] @ kernel + h @ recurrent + bias)
        keep = mask[t] if mask is not None else 1.0
        h = keep * new + (1 - keep) * h
        outputs.append(h)
    return np.stack(outputs[::-1] if reverse else outputs), h


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_simple_rnn(masked: bool, reverse: bool, activation: str) -> None:
    arrays = [draw(6, 3, 5), draw(5, 4), draw(4, 4), draw(4), draw(3, 4)]
    mask = (R.rand(6, 3, 1) > 0.3).astype(np.float32) if masked else None

    def cell(*tensors: Any) -> Any:
        given = None if mask is None else ops.array(mask)
        return composites.simple_rnn(*tensors, mask=given, reverse=reverse, activation=activation)

    act = np.tanh if activation == "tanh" else lambda z: np.maximum(z, 0)
    for have, want in zip(run(cell, *arrays), rnn_reference(*arrays, mask, reverse, act), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["lstm", "gru", "tanh", "relu"])
def test_gradients_of_recurrent_networks(name: str, masked: bool, reverse: bool) -> None:
    """Against central differences of the references in double precision, in a random direction."""
    gates = {"lstm": 4, "gru": 3}.get(name, 1)
    shapes = [(5, 2, 3), (3, 2 * gates), (2, 2 * gates), (2, 6) if name == "gru" else (2 * gates,), (2, 2)]
    arrays = [draw(*shape) for shape in [*shapes, *([(2, 2)] if name == "lstm" else [])]]
    mask = (R.rand(5, 2, 1) > 0.4).astype(np.float32) if masked else None
    weights = [draw(5, 2, 2), draw(2, 2), draw(2, 2)]

    def network(*tensors: Any) -> Any:
        given = {"mask": None if mask is None else ops.array(mask), "reverse": reverse}
        if name in ("lstm", "gru"):
            return getattr(composites, name)(*tensors, **given)
        return composites.simple_rnn(*tensors, **given, activation=name)

    def reference(*given: np.ndarray) -> float:
        act = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
        compute = {"lstm": lstm_reference, "gru": gru_reference}.get(
            name,
            lambda *a: rnn_reference(*a, act=act[name]),  # type: ignore[misc]
        )
        results = compute(*given, mask, reverse)
        return float(sum((result * weight).sum() for result, weight in zip(results, weights, strict=False)))

    def loss(tensors: Any) -> Any:
        return sum(ops.sum(y * weight) for y, weight in zip(network(*tensors), weights, strict=False))

    found = grad(loss)([ops.convert_to_tensor(array) for array in arrays])
    for i, gradient in enumerate(found):
        direction = R.randn(*arrays[i].shape)
        shifted = [
            [a + s * 1e-6 * direction if i == k else a.astype(float) for k, a in enumerate(arrays)] for s in (1, -1)
        ]
        slope = (reference(*shifted[0]) - reference(*shifted[1])) / 2e-6
        assert float(np.sum(np.asarray(gradient) * direction)) == pytest.approx(slope, rel=1e-3, abs=1e-3), i


def test_recurrent_networks_take_any_number_of_steps() -> None:
    weights = [draw(5, 16), draw(4, 16), draw(16)]
    states = [np.zeros((3, 4), np.float32)] * 2
    f = function(lambda x: composites.lstm(x, *map(ops.array, weights), *map(ops.array, states))[0])
    for steps in (4, 6, 9):
        x = draw(steps, 3, 5)
        expected = lstm_reference(x, *weights, *states, None, False)[0]
        np.testing.assert_allclose(np.asarray(f(x)), expected, rtol=1e-4, atol=1e-5)
    assert f.trace_count == 2


def test_batch_normalization_training() -> None:
    x, scale, offset = draw(4, 3, 5, 2) + 10, draw(3), draw(3)
    y, mean, variance = run(lambda *a: composites.batch_normalization_training(*a, epsilon=1e-3), x, scale, offset)
    np.testing.assert_allclose(mean, x.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(variance, x.astype(np.float64).var((0, 2, 3)), rtol=1e-3)
    unit = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, unit * scale[:, None, None] + offset[:, None, None], rtol=1e-3, atol=1e-3)


def test_normalizations() -> None:
    x, scale, offset = draw(4, 3, 6), draw(6), draw(6)
    (y,) = run(lambda *a: composites.layer_normalization(*a, axis=2, epsilon=1e-3), x, scale, offset)
    unit = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, unit * scale + offset, rtol=1e-4, atol=1e-5)
    (y,) = run(lambda *a: composites.rms_normalization(*a, axis=1, epsilon=1e-3), x, draw(3, 6) * 0 + 2)
    expected = 2 * x / np.sqrt((x * x).mean((1, 2), keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    moments = [draw(3), draw(3), draw(3), np.abs(draw(3))]
    (y,) = run(lambda *a: composites.batch_normalization(*a, epsilon=1e-3), x, *moments)
    scale, offset, mean, variance = (m[:, None] for m in moments)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-3) * scale + offset, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal: bool) -> None:
    q, k, v = draw(2, 5, 3, 4), draw(2, 6, 3, 4), draw(2, 6, 3, 4)
    bias, mask = draw(2, 1, 5, 6), R.rand(5, 6) > 0.3
    mask[:, 0] = True

    def attend(*tensors: Any) -> Any:
        return ops.dot_product_attention(*tensors, mask=mask, is_causal=causal, scale=0.7)

    (found,) = run(attend, q, k, v, bias)
    logits = 0.7 * np.einsum("bqhd,bkhd->bhqk", q, k) + bias
    visible = mask & np.tri(5, 6).astype(bool) if causal else mask
    logits = np.where(visible, logits, -np.inf)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(found, np.einsum("bhqk,bkhd->bqhd", weights, v), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_what_sees_nothing_gives_its_logits_no_gradient(causal: bool) -> None:
    q, k, v = draw(1, 3, 2, 4), draw(1, 3, 2, 4), draw(1, 3, 2, 4)
    mask = np.array([[False, True, True], [False, False, causal], [True, True, False]])  # the first two see nothing
    mask[0] &= causal

    def loss(q: Any, k: Any, v: Any, mask: np.ndarray, causal: bool = False) -> Any:
        return ops.sum(ops.square(ops.dot_product_attention(q, k, v, mask=mask, is_causal=causal)))

    by_q = np.asarray(grad(lambda q: loss(q, k, v, mask, causal))(q))
    by_k = np.asarray(grad(lambda k: loss(q, k, v, mask, causal))(k))
    by_v = np.asarray(grad(lambda v: loss(q, k, v, mask, causal))(v))
    assert np.all(by_q[:, :2] == 0)
    assert np.all(by_q[:, 2] != 0)
    assert np.all(by_v != 0)
    # The rest is as if the queries that see nothing were not there.
    seeing, visible = q[:, 2:], mask[2:]
    np.testing.assert_allclose(by_q[:, 2:], np.asarray(grad(lambda q: loss(q, k, v, visible))(seeing)), rtol=1e-4)
    by_keys = np.asarray(grad(lambda k: loss(seeing, k, v, visible))(k))
    np.testing.assert_allclose(by_k, by_keys, rtol=1e-4, atol=1e-6)


NODES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...], dict[str, Any]]] = {
    "Softmax": (lambda x: ops.softmax(x, axis=1), (draw(2, 3, 4),), {"axis": 1}),
    "LogSoftmax": (ops.log_softmax, (draw(2, 3),), {"axis": 1}),
    "Gelu": (ops.gelu, (draw(3),), {"approximate": "tanh"}),
    "LeakyRelu": (ops.leaky_relu, (draw(3),), {"alpha": 0.2}),
    "Elu": (ops.elu, (draw(3),), {"alpha": 1.0}),
    "LayerNormalization": (
        lambda x: ops.layer_normalization(x, epsilon=1e-5),
        (draw(2, 3),),
        {"axis": 1, "epsilon": 1e-5},
    ),
    "RMSNormalization": (lambda x: ops.rms_normalization(x, epsilon=1e-5), (draw(2, 3),), {"axis": 1}),
    "BatchNormalization": (
        lambda x, m: ops.batch_normalization(x, m, m * m, 1),
        (draw(2, 3, 4), draw(3)),
        {"epsilon": 1e-3},
    ),
    "Attention": (ops.dot_product_attention, (draw(1, 2, 3, 4),) * 3, {"scale": 0.5, "is_causal": False}),
    "LSTM": (
        lambda x, k, r, b, h: composites.lstm(x, k, r, b, h, h)[0],
        (draw(2, 1, 3), draw(3, 8), draw(2, 8), draw(8), draw(1, 2)),
        {"hidden_size": 2, "direction": "forward"},
    ),
    "RNN": (
        lambda x, k, r, b, h: composites.simple_rnn(x, k, r, b, h, reverse=True)[0],
        (draw(2, 1, 3), draw(3, 2), draw(2, 2), draw(2), draw(1, 2)),
        {"hidden_size": 2, "direction": "reverse", "activations": ("Tanh",)},
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_nodes_have_names_and_attributes_that_exporters_know(name: str) -> None:
    f, arrays, attributes = NODES[name]
    node = only_call(f, *arrays)
    assert node.attributes["name"] == name
    assert {key: node.attributes[key] for key in attributes} == attributes


@pytest.mark.parametrize("name", NODES)
def test_inlined_composites_compute_the_same(name: str) -> None:
    from cornu.ir.interpret import evaluate

    f, arrays, _ = NODES[name]
    whole = program(f, *arrays)
    flat = inline(whole, keep=lambda node: False)
    assert not any(node.op == "Call" for node in flat.nodes)
    for left, right in zip(evaluate(whole, arrays), evaluate(flat, arrays), strict=True):
        np.testing.assert_array_equal(left, right)


def test_16_bit_floats_keep_their_dtype() -> None:
    x = draw(2, 4).astype(np.float16)
    for f in (ops.softmax, ops.log_softmax, ops.gelu, ops.layer_normalization, ops.rms_normalization, ops.elu):
        assert f(x).dtype == "float16"
    heads = draw(1, 2, 3, 4).astype(np.float16)
    assert ops.dot_product_attention(heads, heads, heads, is_causal=True).dtype == "float16"
