"""What ONNX Runtime itself computes otherwise than NumPy, without Cornu: the reasons of its known failures.

Each is a model of one node. When one of these fails, the runtime was mended: take its entry out of `KNOWN_FAILURES`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnx.helper import make_tensor_value_info, np_dtype_to_tensor_dtype

NAN, INFINITY = np.nan, np.inf


def run(op: str, x: np.ndarray, **attributes: Any) -> np.ndarray:
    """One node of one input, on the bare runtime."""
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    given = make_tensor_value_info("x", np_dtype_to_tensor_dtype(x.dtype), x.shape)
    wanted = make_tensor_value_info("y", attributes.get("to", _result(op)), None)
    graph = helper.make_graph([node], op, [given], [wanted])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def _result(op: str) -> int:
    return TensorProto.INT64 if op.startswith("Arg") else TensorProto.FLOAT


@pytest.mark.parametrize(("op", "numpy"), [("ArgMax", np.argmax), ("ArgMin", np.argmin)])
def test_the_place_of_nan_is_passed_over(op: str, numpy: Any) -> None:
    x = np.array([[1.0, NAN, 2.0]], np.float32)
    assert numpy(x, axis=1) == [1]
    assert run(op, x, axis=1, keepdims=0) != [1]


def test_a_window_with_nan_has_a_maximum() -> None:
    x = np.array([[[1.0, NAN, 0.0]]], np.float32)
    assert run("MaxPool", x, kernel_shape=[3]).ravel().tolist() == [1.0]


def test_a_window_of_minus_infinity_has_a_finite_maximum() -> None:
    x = np.full((1, 1, 3), -INFINITY, np.float32)
    assert run("MaxPool", x, kernel_shape=[3]).ravel().tolist() == [np.finfo(np.float32).min]


def test_the_mean_of_nothing_is_zero() -> None:
    x = np.zeros((2, 0), np.float32)
    assert run("ReduceMean", x, axes=[1], keepdims=0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("dtype", "to"), [("int8", TensorProto.INT8), ("uint8", TensorProto.UINT8)])
def test_floats_out_of_an_integers_range_wrap(dtype: str, to: int) -> None:
    limits = np.iinfo(dtype)
    x = np.array([300.0, -300.0], np.float32)
    assert run("Cast", x, to=to).tolist() != [limits.max, limits.min]


@pytest.mark.parametrize(("dtype", "to"), [("int32", TensorProto.INT32), ("int64", TensorProto.INT64)])
def test_floats_above_an_integers_range_become_its_lowest(dtype: str, to: int) -> None:
    x = np.array([1e30], np.float32)
    assert run("Cast", x, to=to).tolist() == [np.iinfo(dtype).min]
