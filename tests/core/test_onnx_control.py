"""Branches, loops, barriers and composites as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cornu.primitives  # noqa: F401  (registers them)
import numpy as np
import onnx
import pytest
from cornu import composites
from cornu.ir.builder import Builder
from cornu.ir.dim import substitute, symbol
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import from_onnx, to_onnx
from cornu.ir.passes import dead_code, inline
from cornu.ir.program import Program
from cornu.ir.types import Shape, TensorType
from cornu.tracing.tensor import TracedTensor
from cornu.tracing.trace import Trace, recording
from onnx.reference import ReferenceEvaluator

N, T = symbol("n"), symbol("t")


def run(model: onnx.ModelProto, arrays: list[np.ndarray]) -> list[np.ndarray]:
    feeds = dict(zip([info.name for info in model.graph.input], arrays, strict=True))
    return [np.asarray(result) for result in ReferenceEvaluator(model).run(None, feeds)]


def agree(p: Program, arrays: list[np.ndarray], tolerance: float = 1e-5, **options: Any) -> onnx.ModelProto:
    model = to_onnx(p, **options)
    onnx.checker.check_model(model, full_check=True)
    expected = evaluate(p, arrays)
    for results in (run(model, arrays), evaluate(from_onnx(model), arrays)):
        for actual, want in zip(results, expected, strict=True):
            assert actual.shape == want.shape
            np.testing.assert_allclose(actual, want, rtol=tolerance, atol=tolerance)
    return model


def floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def branch(name: str, body: Callable[..., Any]) -> Program:
    b = Builder(name)
    x, y = (b.input(TensorType("float32", (N,)), name) for name in "xy")
    return b.finish(body(b, x, y))


def test_branches_read_outer_tensors() -> None:
    then = branch("then", lambda b, x, y: [b.Add(x, y), b.full((N * 2,), 1.0, "float32")])
    otherwise = branch("otherwise", lambda b, x, y: [y, b.full((N * 2,), 0.0, "float32")])
    b = Builder("choice")
    flag = b.input(TensorType("bool", ()), "flag")
    x, y = (b.input(TensorType("float32", (N,)), name) for name in "xy")
    p = b.finish(b.emit("If", (flag, x, y), {"then": then, "otherwise": otherwise}))
    for value in (True, False):
        model = agree(p, [np.array(value), floats(3), floats(3, seed=1)])
    assert [node.op_type for node in model.graph.node].count("If") == 1


def test_the_same_tensor_from_both_branches() -> None:
    same = branch("same", lambda b, x, y: [x, x])
    b = Builder("choice")
    flag = b.input(TensorType("bool", ()), "flag")
    x, y = (b.input(TensorType("float32", (N,)), name) for name in "xy")
    p = b.finish(b.emit("If", (flag, x, y), {"then": same, "otherwise": same}))
    agree(p, [np.array(True), floats(3), floats(3, seed=1)])


def scan(length: Any, reverse: bool = False) -> Program:
    body = Builder("step")
    h, x = body.input(TensorType("float32", (N, 4)), "h"), body.input(TensorType("float32", (N, 3)), "x")
    w = body.input(TensorType("float32", (3, 4)), "w")
    following = body.Tanh(body.Add(h, body.MatMul(x, w)))
    step = body.finish([following, following, h])
    b = Builder("rnn")
    h0, xs = b.input(TensorType("float32", (N, 4)), "h0"), b.input(TensorType("float32", (length, N, 3)), "xs")
    weights = b.input(TensorType("float32", (3, 4)), "weights")
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": length, "reverse": reverse}
    return b.finish(b.emit("Scan", (h0, xs, weights), attributes))


@pytest.mark.parametrize(("n", "t"), [(2, 5), (1, 1), (0, 3)])
def test_scan(n: int, t: int) -> None:
    agree(scan(T), [floats(n, 4), floats(t, n, 3, seed=1), floats(3, 4, seed=2)])


def test_scan_backwards_reads_back() -> None:
    p = scan(T, reverse=True)
    arrays = [floats(2, 4), floats(5, 2, 3, seed=1), floats(3, 4, seed=2)]
    for actual, want in zip(evaluate(from_onnx(to_onnx(p)), arrays), evaluate(p, arrays), strict=True):
        np.testing.assert_allclose(actual, want, rtol=1e-6)


def test_scan_of_no_step_is_no_scan() -> None:
    model = agree(scan(0), [floats(2, 4), floats(0, 2, 3), floats(3, 4)])
    assert "Scan" not in [node.op_type for node in model.graph.node]


def test_while() -> None:
    condition, body = Builder("condition"), Builder("body")
    count, limit = (condition.input(TensorType("int64", ()), name) for name in ("count", "limit"))
    going = condition.finish([condition.Less(count, limit)])
    count, limit = (body.input(TensorType("int64", ()), name) for name in ("count", "limit"))
    step = body.finish([body.Add(count, 3)])
    b = Builder("loop")
    given = [b.input(TensorType("int64", ()), name) for name in ("count", "limit")]
    p = b.finish(b.emit("While", given, {"condition": going, "body": step, "carries": 1}))
    for start, end in ((0, 10), (5, 2)):
        agree(p, [np.array(start), np.array(end)])


@pytest.mark.parametrize("shape", [(N, 4), (3, 4), ()], ids=str)
def test_barrier_changes_nothing(shape: Shape) -> None:
    b = Builder("recompute")
    x = b.input(TensorType("float32", shape), "x")
    y = b.Sin(b.Exp(x))
    held = b.Barrier(x, y)
    p = b.finish([b.Mul(y, b.Exp(held))])
    agree(p, [floats(*(3, 4)[: len(shape)])])


# -- composites ----------------------------------------------------------------------------------------------------


def traced(function: Callable[..., Any], *shapes: Shape) -> Program:
    """What `predict` would trace: no residual is read."""
    trace = Trace("composite")
    with recording(trace):
        given = [
            TracedTensor(trace.builder.input(TensorType("float32", s), f"x{i}"), trace) for i, s in enumerate(shapes)
        ]
        results = function(*given)
    results = results if isinstance(results, tuple) else (results,)
    return dead_code(trace.builder.finish([result._value for result in results]))


HEADS: list[Shape] = [(N, 2, T, 4), (N, 2, 5, 4), (N, 2, 5, 3)]
# The first opset that has the operator, where it is none of the oldest.
SINCE = {"Attention": 23, "Gelu": 20}
COMPOSITES: dict[str, tuple[Callable[..., Any], list[Shape], str]] = {
    "softmax": (lambda x: composites.softmax(x, 1), [(N, 3, T)], "Softmax"),
    "log_softmax": (lambda x: composites.log_softmax(x, 2), [(N, 3, T)], "LogSoftmax"),
    "gelu": (lambda x: composites.gelu(x, False), [(N, 5)], "Gelu"),
    "gelu_tanh": (lambda x: composites.gelu(x, True), [(N, 5)], "Gelu"),
    "layer": (lambda *x: composites.layer_normalization(*x, 1, 1e-3), [(N, 5), (5,), (5,)], "LayerNormalization"),
    "layer_2": (lambda *x: composites.layer_normalization(*x, None, 2, 1e-3), [(N, T, 5), (5,)], "LayerNormalization"),
    "batch": (lambda *x: composites.batch_normalization(*x, 1.0), [(N, 3, T), *[(3,)] * 4], "BatchNormalization"),
    "attention": (lambda *x: composites.attention(*x, scale=0.7), [*HEADS], "Attention"),
    "attention_mask": (composites.attention, [*HEADS, (N, 1, 1, 5)], "Attention"),
    "attention_bias": (composites.attention, [*HEADS, (1, 2, T, 5)], "Attention"),
    "attention_causal": (lambda *x: composites.attention(*x, is_causal=True), [*HEADS], "Attention"),
    "lstm": (lambda *x: composites.lstm(*x), [(T, N, 3), (3, 16), (4, 16), (16,), (N, 4), (N, 4)], "LSTM"),
    "lstm_back": (
        lambda *x: composites.lstm(*x, reverse=True),
        [(T, N, 3), (3, 16), (4, 16), (16,), (N, 4), (N, 4)],
        "LSTM",
    ),
    "gru": (lambda *x: composites.gru(*x), [(T, N, 3), (3, 12), (4, 12), (2, 12), (N, 4)], "GRU"),
    "rnn": (lambda *x: composites.simple_rnn(*x), [(T, N, 3), (3, 4), (4, 4), (4,), (N, 4)], "RNN"),
    "rnn_back": (
        lambda *x: composites.simple_rnn(*x, reverse=True, activation="relu"),
        [(T, N, 3), (3, 4), (4, 4), (4,), (N, 4)],
        "RNN",
    ),
}


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("opset", [17, 21, 23])
def test_composites_become_one_operator_where_the_opset_has_it(name: str, opset: int) -> None:
    function, shapes, op = COMPOSITES[name]
    p = traced(function, *shapes)
    arrays = [np.abs(floats(*(int(substitute(d, {"n": 2, "t": 4})) for d in s), seed=i)) for i, s in enumerate(shapes)]
    model = to_onnx(p, opset=opset)
    onnx.checker.check_model(model, full_check=True)
    for actual, want in zip(_run(model, arrays, op), evaluate(p, arrays), strict=True):
        np.testing.assert_allclose(actual, want, rtol=1e-4, atol=1e-5)
    present = [node.op_type for node in model.graph.node]
    assert (op in present) == (opset >= SINCE.get(op, 17))
    inlined = inline(p, lambda call: False)
    np.testing.assert_allclose(evaluate(inlined, arrays)[0], evaluate(p, arrays)[0], rtol=1e-6)


@pytest.mark.parametrize("config", [{"soft_cap": 2.0}, {"is_causal": True}], ids=["capped", "hidden twice"])
def test_attention_that_onnx_has_not_is_written_out(config: dict[str, Any]) -> None:
    shapes: list[Shape] = [*HEADS, (N, 1, 1, 5)]
    p = traced(lambda *x: composites.attention(*x, **config), *shapes)
    model = to_onnx(p, opset=23)
    assert "Attention" not in [node.op_type for node in model.graph.node]
    arrays = [floats(*(int(substitute(d, {"n": 2, "t": 4})) for d in s), seed=i) for i, s in enumerate(shapes)]
    np.testing.assert_allclose(run(model, arrays)[0], evaluate(p, arrays)[0], rtol=1e-4, atol=1e-5)


def _run(model: onnx.ModelProto, arrays: list[np.ndarray], op: str) -> list[np.ndarray]:
    """onnx's evaluator cannot run recurrent operators backwards; ONNX Runtime does."""
    if op not in ("LSTM", "GRU", "RNN"):
        return run(model, arrays)
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = dict(zip([info.name for info in model.graph.input], arrays, strict=True))
    return list(session.run(None, feeds))


def test_constant_weights_of_a_recurrent_layer_are_converted_when_writing() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in ((3, 16), (4, 16), (16,))]

    def layer(x: Any, h: Any, c: Any) -> Any:
        from cornu.ops.arguments import as_tensor

        return composites.lstm(x, *(as_tensor(w) for w in weights), h, c)

    p = traced(layer, (T, N, 3), (N, 4), (N, 4))
    ops = [node.op_type for node in to_onnx(p).graph.node]
    assert ops == ["Unsqueeze", "Unsqueeze", "LSTM", "Squeeze", "Squeeze", "Squeeze"]
