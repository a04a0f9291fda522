"""The library refuses what is no program of ours, and the backend gets on without it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from cornu_kernels import Kernels
from cornu_onnxruntime import OnnxRuntimeBackend
from onnx import TensorProto, helper

LEAF = [0, 0, 1, 4, 0, 0, 0]
GOOD = {
    "Elementwise": {
        "dims": [1, 4],
        "code": [11, 1, 1, 1, 2],
        "leaves": LEAF,
        "results": [0, 0, 0, 0],
        "constants": [0.0],
    },
    "Move": {"dims": [1, 4], "view": [0, 4, 1, 0, 4], "value": [0.0]},
    "MaxPool": {"dims": [4, 1, 1, 2, 2], "window": [2, 1, 1, 2, 1, 1]},
    "MaxPoolGrad": {"dims": [4, 1, 1, 2, 2], "window": [2, 1, 1, 2, 1, 1]},
}
SHAPES = {"Elementwise": [[4]], "Move": [[4]], "MaxPool": [[1, 1, 2, 2]], "MaxPoolGrad": [[1, 1, 2, 2], [1, 1, 1, 1]]}
BAD = [
    ("Elementwise", {"code": [99, 1, 1, 1, 2]}),
    ("Elementwise", {"code": [11, 5, 1, 1, 2]}),
    ("Elementwise", {"code": [11, 1, 1, 1, 1]}),
    ("Elementwise", {"code": [11, 1, 1, 1]}),
    ("Elementwise", {"code": [11, -4, 1, 1, 2]}),
    ("Elementwise", {"code": [11, 4 * 999, 1, 1, 2]}),
    ("Elementwise", {"leaves": [0, 0, 0, 4, 0, 0, 0]}),
    ("Elementwise", {"leaves": [-1, 0, 1, 4, 0, 0, 0]}),
    ("Elementwise", {"leaves": [0, 1]}),
    ("Elementwise", {"leaves": [0, 0, 1, 4, 4, 8, 5]}),
    ("Elementwise", {"leaves": [0, 0, 1, 4, 3, 8, 0]}),
    ("Elementwise", {"leaves": [0, 0, 1, 4, 4, 8, -1]}),
    ("Elementwise", {"results": [999, 0, 0, 0]}),
    ("Elementwise", {"results": [0, 4, 8, 5]}),
    ("Elementwise", {"results": [0, 4, 8, 0]}),
    ("Elementwise", {"results": [0, 0]}),
    ("Elementwise", {"dims": [2, 4]}),
    ("Elementwise", {"dims": [1, -4]}),
    ("Move", {"view": [-1, 4, 1, 0, 4]}),
    ("Move", {"view": [0, 5, 1, 0, 5]}),
    ("Move", {"view": [0, 4, 1, 0, 5]}),
    ("Move", {"view": [0, 4, -1, 0, 4]}),
    ("Move", {"view": [0]}),
    ("Move", {"value": [0.0, 1.0]}),
    ("MaxPool", {"window": [3, 1, 1, 2, 1, 1]}),
    ("MaxPool", {"window": [2, 0, 1, 2, 1, 1]}),
    ("MaxPoolGrad", {"dims": [4, 1, 1, 2]}),
    ("MaxPoolGrad", {"dims": [4, 0, 1, 2, 2]}),
]
SHORT = [
    ("Elementwise", {"leaves": [0, 0, 1, 5, 0, 0, 0], "dims": [1, 5]}),
    ("Elementwise", {"leaves": [0, 0, 1, 4, 4, 8, 0]}),
    ("Move", {"view": [1, 4, 1, 0, 4]}),
    ("MaxPool", {"dims": [4, 1, 2, 2, 2]}),
]


def session(op: str, changes: dict[str, list[float]]) -> onnxruntime.InferenceSession:
    inputs = [helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, None) for i in range(len(SHAPES[op]))]
    node = helper.make_node(
        op, [value.name for value in inputs], ["y"], domain="cornu.kernels", **{**GOOD[op], **changes}
    )
    graph = helper.make_graph([node], "one", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("cornu.kernels", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.register_custom_ops_library(str(Kernels().library))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(op: str, changes: dict[str, list[float]]) -> np.ndarray:
    feeds = {f"x{i}": np.ones(shape, np.float32) for i, shape in enumerate(SHAPES[op])}
    return np.asarray(session(op, changes).run(None, feeds)[0])


@pytest.mark.parametrize("op", GOOD)
def test_models_by_hand(op: str) -> None:
    want = {"Elementwise": [2, 2, 2, 2], "Move": [1, 1, 1, 1], "MaxPool": [1], "MaxPoolGrad": [1, 0, 0, 0]}[op]
    assert run(op, {}).ravel().tolist() == want


@pytest.mark.parametrize(("op", "changes"), BAD)
def test_nonsense_is_refused_when_loaded(op: str, changes: dict[str, list[float]]) -> None:
    with pytest.raises(Exception, match=r"Elementwise:|Move:|Maximum of windows:"):
        session(op, changes)


@pytest.mark.parametrize(("op", "changes"), SHORT)
def test_inputs_that_are_too_small(op: str, changes: dict[str, list[float]]) -> None:
    with pytest.raises(Exception, match="an input is too small"):
        run(op, changes)


def test_found_by_entry_point() -> None:
    assert OnnxRuntimeBackend(kernels=True)._kernels is not None
    assert OnnxRuntimeBackend(kernels=False)._custom_operators() is None
    assert isinstance(OnnxRuntimeBackend()._custom_operators(), Kernels)


def test_exported_models_know_nothing_of_it(tmp_path: object) -> None:
    """A file runs where the kernels are not installed."""
    script = (
        "import cornu as keras, onnx, sys\n"
        "model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(4, 3, activation='tanh'),\n"
        "    keras.layers.MaxPooling2D(), keras.layers.Flatten(), keras.layers.Dense(2, activation='sigmoid')])\n"
        "model.export(sys.argv[1], format='onnx', verbose=False)\n"
        "print(sorted({node.domain for node in onnx.load(sys.argv[1]).graph.node}))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, f"{tmp_path}/model.onnx"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "['']"
