"""Operators read from ONNX that Cornu does not write itself, and the forms that older opsets had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import OnnxImportError, from_onnx
from onnx import helper, numpy_helper

RNG = np.random.default_rng(5)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def model(
    op: str,
    x: np.ndarray,
    constants: Sequence[np.ndarray | None] = (),
    opset: int = 18,
    outputs: int = 1,
    **attributes: Any,
) -> onnx.ModelProto:
    names = ["x", *(f"c{i}" if array is not None else "" for i, array in enumerate(constants))]
    results = [f"y{i}" for i in range(outputs)]
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        [helper.make_node(op, names, results, name=op, **attributes)],
        "g",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [onnx.ValueInfoProto(name=name) for name in results],
        [numpy_helper.from_array(a, f"c{i}") for i, a in enumerate(constants) if a is not None],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def agree(proto: onnx.ModelProto, x: np.ndarray, atol: float = 1e-5) -> None:
    """The program and ONNX Runtime compute the same."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = evaluate(from_onnx(proto), [x])
    for actual, expected in zip(found, session.run(None, {"x": x}), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=atol)


RESIZED = [
    {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
    {"mode": "nearest", "coordinate_transformation_mode": "align_corners", "nearest_mode": "ceil"},
    {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
    {"mode": "linear", "coordinate_transformation_mode": "asymmetric"},
    {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"},
    {"mode": "cubic", "cubic_coeff_a": -0.5},
    {"mode": "cubic", "exclude_outside": 1},
]


@pytest.mark.parametrize("attributes", RESIZED)
@pytest.mark.parametrize("scale", [2.0, 1.5, 0.6])
def test_resize(attributes: dict[str, Any], scale: float) -> None:
    x = floats(1, 2, 5, 6)
    scales = np.array([1, 1, scale, scale], "float32")
    agree(model("Resize", x, [None, scales], **attributes), x)
    sizes = np.array([1, 2, int(5 * scale), int(6 * scale)])
    agree(model("Resize", x, [None, None, sizes], **attributes), x)


def test_an_open_size_is_multiplied() -> None:
    x = floats(2, 3, 4)
    proto = model(
        "Resize",
        x,
        [None, np.array([1, 1, 3], "float32")],
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "n"
    agree(proto, x)
    proto.graph.node[0].attribute[0].s = b"align_corners"
    with pytest.raises(OnnxImportError, match="Resize node 'Resize': an open size can only be multiplied"):
        from_onnx(proto)


def test_normalizations() -> None:
    x = floats(2, 6, 5, 4)
    for size in (1, 3, 5, 11):
        agree(model("LRN", x, size=size, alpha=0.2, beta=0.6, bias=1.5), x)
    for size in (2, 4):  # which ONNX Runtime does not take
        near = [slice(max(0, c - (size - 1) // 2), c + size - (size - 1) // 2) for c in range(6)]
        sums = np.stack([(x[:, part] ** 2).sum(1) for part in near], 1)
        found = evaluate(from_onnx(model("LRN", x, size=size, alpha=0.2, beta=0.6, bias=1.5)), [x])[0]
        np.testing.assert_allclose(found, x / (1.5 + 0.2 / size * sums) ** 0.6, rtol=1e-5)
    agree(model("InstanceNormalization", x, [floats(6), floats(6)], epsilon=0.1), x)
    agree(model("GroupNormalization", x, [floats(6), floats(6)], num_groups=3, opset=21), x)
    agree(model("MeanVarianceNormalization", x, axes=[0, 2]), x)
    for p in (1, 2):
        agree(model("LpNormalization", x, axis=1, p=p), x)
        agree(model("GlobalLpPool", x, p=p), x, atol=1e-3)
    zeros = np.zeros((2, 3), "float32")
    np.testing.assert_array_equal(evaluate(from_onnx(model("LpNormalization", zeros)), [zeros])[0], zeros)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("by_axis", [False, True])
def test_quantized_tensors(dtype: str, by_axis: bool) -> None:
    x = 20 * floats(4, 3, 5)
    shape = (3,) if by_axis else ()
    scale = np.asarray(RNG.uniform(0.1, 0.3, shape), "float32")
    zero = np.asarray(RNG.integers(0, 20, shape), dtype)
    agree(model("QuantizeLinear", x, [scale, zero], axis=1), x)
    whole = RNG.integers(0, 100, (4, 3, 5)).astype(dtype)
    agree(model("DequantizeLinear", whole, [scale, zero], axis=1), whole)


def test_integer_products_are_exact() -> None:
    x = RNG.integers(0, 256, (2, 8, 9, 9)).astype("uint8")
    w = RNG.integers(-128, 128, (4, 8, 3, 3)).astype("int8")
    agree(model("ConvInteger", x, [w, np.array(7, "uint8")], pads=[1, 1, 1, 1], strides=[2, 1]), x, atol=0)
    rows = RNG.integers(0, 256, (5, 600)).astype("uint8")
    columns = RNG.integers(-128, 128, (600, 3)).astype("int8")
    zeros = [np.array(100, "uint8"), np.array([1, -2, 3], "int8")]
    agree(model("MatMulInteger", rows, [columns, *zeros]), rows, atol=0)
    y = 3 * floats(4, 6)
    agree(model("DynamicQuantizeLinear", y, outputs=3), y)


def test_further_operators() -> None:
    x = floats(2, 3, 4)
    agree(model("Einsum", x, [floats(4, 5)], equation="bij,jk->bik"), x)
    agree(model("Shrink", x, lambd=0.3, bias=0.1), x)
    agree(model("Hardmax", x, axis=1), x)
    agree(model("EyeLike", x[0], k=1), x[0])
    agree(model("ReverseSequence", x, [np.array([1, 3], "int64")], batch_axis=0, time_axis=1), x)


# -- older opsets --------------------------------------------------------------------------------------------------


def test_old_forms() -> None:
    x = floats(2, 3, 4)
    for proto, expected in (
        (model("Clip", x, opset=6, min=-0.5, max=0.25), x.clip(-0.5, 0.25)),
        (model("Clip", x, opset=6, max=0.25), x.clip(None, 0.25)),
        (
            model("Pad", x, opset=2, pads=[0, 0, 1, 0, 0, 2], value=3.0),
            np.pad(x, ((0, 0), (0, 0), (1, 2)), constant_values=3),
        ),
        (model("Add", x, [np.arange(3, dtype="float32")], opset=6, broadcast=1, axis=1), x + np.arange(3)[:, None]),
        (model("Pow", x, [np.float32([2, 1, 2, 3])], opset=6, broadcast=1), x ** [2, 1, 2, 3]),
        (model("PRelu", x, [np.float32([1, 2, 3])], opset=6), np.where(x < 0, x * np.array([[1], [2], [3]]), x)),
        (model("Reshape", x, opset=1, shape=[4, -1]), x.reshape(4, 6)),
        (model("Concat", x, [x], opset=1), np.concatenate([x, x], 1)),
        (model("Upsample", x, opset=7, scales=[1.0, 1.0, 2.0]), x.repeat(2, 2)),
        (model("Cast", x, opset=1, to="INT32"), x.astype("int32")),
    ):
        np.testing.assert_allclose(evaluate(from_onnx(proto), [x])[0], expected, rtol=1e-5)


def test_what_an_attribute_asks_for_is_done_or_refused() -> None:
    """Nothing that a file says is passed over."""
    x = floats(2, 3, 4)
    statistics = [floats(3) ** 2 for _ in range(4)]
    with pytest.raises(OnnxImportError, match="node 'BatchNormalization': its attribute spatial=0 is not supported"):
        from_onnx(model("BatchNormalization", x, statistics, opset=7, spatial=0))
    np.testing.assert_allclose(
        evaluate(from_onnx(model("BatchNormalization", x, statistics, opset=7, spatial=1)), [x])[0],
        evaluate(from_onnx(model("BatchNormalization", x, statistics, opset=14)), [x])[0],
    )
