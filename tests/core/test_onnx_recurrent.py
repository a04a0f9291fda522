"""Recurrent operators of ONNX with all their settings, against ONNX Runtime, and their gradients against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import OnnxImportError, from_onnx
from onnx import TensorProto, helper, numpy_helper

UNITS, SIZE, STEPS, BATCH = 3, 2, 5, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def build(op: str, directions: int, lengths: bool, states: bool, peepholes: bool, **attributes: Any) -> Any:
    rng = np.random.default_rng(7)
    rows = GATES[op] * UNITS
    first = bool(attributes.get("layout"))
    shapes: dict[str, tuple[int, ...]] = {
        "x": (BATCH, STEPS, SIZE) if first else (STEPS, BATCH, SIZE),
        "w": (directions, rows, SIZE),
        "r": (directions, rows, UNITS),
        "b": (directions, 2 * rows),
        "lengths": (BATCH,),
        "h": (BATCH, directions, UNITS) if first else (directions, BATCH, UNITS),
        "c": (BATCH, directions, UNITS) if first else (directions, BATCH, UNITS),
        "p": (directions, 3 * UNITS),
    }
    given = ["x", "w", "r", "b", "lengths" * lengths, "h" * states]
    given += ["c" * states, "p" * peepholes] if op == "LSTM" else []
    while not given[-1]:
        given.pop()
    outputs = ["y", "last", "cell"][: 3 if op == "LSTM" else 2]
    node = helper.make_node(op, given, outputs, name=op, hidden_size=UNITS, **attributes)
    arrays = {name: rng.normal(size=shapes[name]).astype("float32") for name in given if name}
    if lengths:
        arrays["lengths"] = np.array([5, 1, 3, 2], "int32")
    kinds = {name: TensorProto.INT32 if name == "lengths" else TensorProto.FLOAT for name in arrays}
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items() if name in ("w", "r", "b", "p")]
    arrays = {name: array for name, array in arrays.items() if name not in ("w", "r", "b", "p")}
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(name, kinds[name], array.shape) for name, array in arrays.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), arrays


def compare(model: Any, arrays: dict[str, np.ndarray]) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    program = from_onnx(model)
    found = evaluate(program, [arrays[value.name] for value in program.inputs])
    for actual, expected in zip(found, session.run(None, arrays), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
    return program


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("lengths", [False, True])
def test_directions_and_lengths(op: str, direction: str, lengths: bool) -> None:
    count = 2 if direction == "bidirectional" else 1
    more = {"linear_before_reset": 1} if op == "GRU" else {}
    program = compare(*build(op, count, lengths, True, False, direction=direction, **more))
    calls = [node.attributes["name"] for node in program.walk() if node.op == "Call"]
    assert calls.count(op) == count


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("LSTM", {"clip": 0.3}),
        ("LSTM", {"input_forget": 1}),
        ("LSTM", {"activations": ["HardSigmoid", "Softsign", "Relu"]}),
        ("LSTM", {"activations": ["Sigmoid", "LeakyRelu", "Tanh"], "activation_alpha": [0.3]}),
        ("LSTM", {"activations": ["Tanh", "Relu", "Tanh", "Sigmoid", "Tanh", "Tanh"], "direction": "bidirectional"}),
        ("GRU", {"linear_before_reset": 0}),
        ("GRU", {"linear_before_reset": 0, "direction": "reverse", "clip": 0.5}),
        ("GRU", {"activations": ["Sigmoid", "Softplus"]}),
        ("RNN", {"activations": ["Relu"]}),
        ("RNN", {"activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]}),
        ("RNN", {"activations": ["ScaledTanh"], "activation_alpha": [0.7], "activation_beta": [0.6]}),
        ("RNN", {"activations": ["Elu"], "activation_alpha": [0.8]}),
        ("RNN", {"activations": ["ThresholdedRelu"], "activation_alpha": [0.2]}),
    ],
)
@pytest.mark.parametrize("lengths", [False, True])
def test_settings(op: str, attributes: dict[str, Any], lengths: bool) -> None:
    count = 2 if attributes.get("direction") == "bidirectional" else 1
    compare(*build(op, count, lengths, True, False, **attributes))


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_peepholes(direction: str) -> None:
    compare(*build("LSTM", 2 if direction == "bidirectional" else 1, False, True, True, direction=direction))


def test_no_first_states() -> None:
    compare(*build("LSTM", 1, False, False, False))


def test_errors_name_the_node() -> None:
    for attributes, message in (
        ({"direction": "sideways"}, "direction must be one of forward, reverse, bidirectional, got 'sideways'"),
        ({"activations": ["Magic", "Tanh", "Tanh"]}, "no activation 'Magic'"),
        ({"activations": ["Tanh"]}, "must have 3 activations"),
    ):
        with pytest.raises(OnnxImportError, match=rf"LSTM node 'LSTM': .*{message}"):
            from_onnx(build("LSTM", 1, False, True, False, **attributes)[0])
    with pytest.raises(OnnxImportError, match=r"LSTM node 'LSTM': W must have the shape \(1, 12, 2\)"):
        from_onnx(build("LSTM", 2, False, True, False)[0])
