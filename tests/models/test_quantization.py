"""Exported models with 8-bit weights."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import onnx
import onnxruntime
import pytest
from cornu import layers
from cornu.datasets import digits
from cornu.export.quantization import accuracy_report, quantize
from onnx import TensorProto, helper, numpy_helper

(TRAIN, LABELS), (TEST, EXPECTED) = digits.load_data()
CALIBRATION = TRAIN[:200, ..., np.newaxis].astype("float32")
X = TEST[..., np.newaxis].astype("float32")


def dense_model() -> Any:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Rescaling(1 / 16),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(10, activation="softmax", name="digit"),
        ]
    )


def conv_model() -> Any:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Rescaling(1 / 16),
            layers.Conv2D(24, 3, padding="same"),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="digit"),
        ]
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, onnx.ModelProto]:
    """The trained classifiers as ONNX models."""
    folder = tmp_path_factory.mktemp("quantization")
    for name, build in (("dense", dense_model), ("conv", conv_model)):
        keras.utils.set_random_seed(0)
        model = build()
        model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
        model.fit(TRAIN[..., np.newaxis].astype("float32"), LABELS, epochs=4, verbose=0)
        model.export(folder / f"{name}.onnx", verbose=False)
    return {name: onnx.load(folder / f"{name}.onnx") for name in ("dense", "conv")}


def export(model: Any, tmp_path: Path) -> onnx.ModelProto:
    model.export(tmp_path / "model.onnx", verbose=False)
    return onnx.load(tmp_path / "model.onnx")


def run(proto: onnx.ModelProto, *arrays: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in proto.graph.input]
    return np.asarray(session.run(None, dict(zip(names, arrays, strict=True)))[0])


def ops(proto: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in proto.graph.node)


# -- classifiers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["dynamic", "static"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_a_classifier(exported: dict[str, onnx.ModelProto], kind: str, mode: str) -> None:
    original = exported[kind]
    before = original.SerializeToString()
    calibration = CALIBRATION if mode == "static" else None
    quantized = quantize(original, mode, calibration)
    assert original.SerializeToString() == before
    assert quantize(original, mode, calibration).SerializeToString() == quantized.SerializeToString()
    onnx.checker.check_model(quantized, full_check=True)

    assert list(quantized.graph.input) == list(original.graph.input)
    assert list(quantized.graph.output) == list(original.graph.output)
    assert [value.name for value in quantized.graph.input] == ["image"]
    assert [value.name for value in quantized.graph.output] == ["digit"]
    assert quantized.producer_name == "cornu"
    assert [entry.domain for entry in quantized.opset_import] == [""]
    assert quantized.opset_import[0].version >= 17

    found = ops(quantized)
    if mode == "dynamic":
        assert found["DynamicQuantizeLinear"] == 3
        assert found["MatMulInteger"] == (3 if kind == "dense" else 1)
        assert found["ConvInteger"] == (0 if kind == "dense" else 2)
    else:
        assert found["QuantizeLinear"] >= 3
        assert found["DequantizeLinear"] > found["QuantizeLinear"]  # those of the weights, too
        assert found["Gemm"] == (3 if kind == "dense" else 1)
    matrices = [tensor for tensor in quantized.graph.initializer if sum(size > 1 for size in tensor.dims) > 1]
    kinds = Counter(tensor.data_type for tensor in matrices)
    assert kinds[TensorProto.FLOAT] == 0
    assert kinds[TensorProto.UINT8 if mode == "dynamic" else TensorProto.INT8] == 3

    accuracy = np.mean(run(original, X).argmax(-1) == EXPECTED)
    assert accuracy > 0.9
    for size in (1, 7, len(X)):
        assert run(quantized, X[:size]).shape == (size, 10)
    assert np.mean(run(quantized, X).argmax(-1) == EXPECTED) >= accuracy - 0.02
    assert quantized.ByteSize() < (0.4 if kind == "dense" else 0.5) * original.ByteSize()

    report = accuracy_report(original, quantized, X)
    (output,) = report.outputs
    assert output.name == "digit"
    assert 0 < output.mean < output.largest < 0.1
    assert output.agreement is not None
    assert output.agreement >= 0.98
    assert (report.samples, report.bytes_before) == (len(X), len(before))
    assert report.bytes_after == len(quantized.SerializeToString())


def test_the_static_ranges_are_those_of_the_calibration(exported: dict[str, onnx.ModelProto]) -> None:
    def first_scale(calibration: np.ndarray) -> float:
        quantized = quantize(exported["dense"], "static", calibration)
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantized.graph.initializer}
        node = next(node for node in quantized.graph.node if node.op_type == "QuantizeLinear")
        return float(constants[node.input[1]])

    # Pixels go from 0 to 16, and there are 255 steps.
    assert CALIBRATION.max() == 16
    assert first_scale(CALIBRATION) == pytest.approx(16 / 255)
    assert first_scale(CALIBRATION / 4) == pytest.approx(4 / 255)
    # One large number is enough, in whichever batch it is.
    assert first_scale(np.concatenate([CALIBRATION / 4, CALIBRATION[:1] * 0 + 32])) == pytest.approx(32 / 255)


FORMS: dict[str, Callable[[], Any]] = {
    "a dictionary": lambda: {"image": CALIBRATION},
    "a list for the one input": lambda: [CALIBRATION],
    "other numbers": lambda: CALIBRATION.astype("uint8"),
    "a list of batches": lambda: [CALIBRATION[:120], CALIBRATION[120:]],
    "a generator": lambda: (CALIBRATION[i : i + 50] for i in range(0, 200, 50)),
    "a generator of lists": lambda: ([CALIBRATION[i : i + 1]] for i in range(200)),
    "a list of dictionaries": lambda: [{"image": CALIBRATION[i : i + 40]} for i in range(0, 200, 40)],
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_calibration(exported: dict[str, onnx.ModelProto], form: str) -> None:
    expected = quantize(exported["conv"], "static", CALIBRATION)
    assert quantize(exported["conv"], "static", FORMS[form]()).SerializeToString() == expected.SerializeToString()


# -- other models --------------------------------------------------------------------------------------------------


def two_inputs() -> Any:
    keras.utils.set_random_seed(0)
    a, b = keras.Input((16,), name="a"), keras.Input((5,), name="b", dtype="int32")
    words = layers.GlobalAveragePooling1D()(layers.Embedding(40, 16)(b))
    return keras.Model([a, b], layers.Dense(8, name="out")(layers.Dense(16)(a) + words))


def test_several_inputs(tmp_path: Path) -> None:
    proto = export(two_inputs(), tmp_path)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(100, 16)).astype("float32"), rng.integers(0, 40, (100, 5)).astype("int32")
    expected = quantize(proto, "static", {"b": b, "a": a})
    assert expected.ByteSize() < proto.ByteSize() * 2
    assert accuracy_report(proto, expected, (a, b)).outputs[0].largest < 0.1
    forms: list[Any] = [
        [a, b],
        (a, b),
        [(a[:60], b[:60]), (a[60:], b[60:])],
        ({"a": a[i : i + 25], "b": b[i : i + 25]} for i in range(0, 100, 25)),
    ]
    for form in forms:
        assert quantize(proto, "static", form).SerializeToString() == expected.SerializeToString()
    with pytest.raises(ValueError, match=r"`calibration` has shape \(99, 5\) for input 'b', which is \(100, 5\)"):
        quantize(proto, "static", [a, b[:99]])
    with pytest.raises(ValueError, match=r"is for 'a', 'c'; the inputs are a, b"):
        quantize(proto, "static", {"a": a, "c": b})
    with pytest.raises(ValueError, match="dtype float32 for input 'b', which is int32"):
        quantize(proto, "static", [a, b.astype("float32")])
    with pytest.raises(ValueError, match="Batch 1 of `calibration` has 1 arrays; the inputs are a, b"):
        quantize(proto, "static", [[a, b], [a]])


def test_an_lstm_is_quantized_where_it_can_be(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    proto = export(keras.Sequential([keras.Input((None, 16)), layers.LSTM(64)]), tmp_path)
    quantized = quantize(proto, "dynamic")
    assert ops(quantized)["DynamicQuantizeLSTM"] == 1
    assert {entry.domain for entry in quantized.opset_import} == {"", "com.microsoft"}
    assert quantized.ByteSize() < 0.4 * proto.ByteSize()
    x = np.random.default_rng(0).normal(size=(9, 6, 16)).astype("float32")
    np.testing.assert_allclose(run(quantized, x), run(proto, x), atol=0.03)
    with pytest.raises(ValueError, match=r"nothing to quantize.*no MatMul, Gemm, Conv, ConvTranspose, Gather"):
        quantize(proto, "static", x)


def test_attention_keeps_its_products(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((10, 32))
    proto = export(keras.Model(inputs, layers.MultiHeadAttention(4, 8)(inputs, inputs)), tmp_path)
    x = np.random.default_rng(0).normal(size=(50, 10, 32)).astype("float32")
    quantized = quantize(proto, "static", x)
    made = {name: node.op_type for node in quantized.graph.node for name in node.output}
    constant = {tensor.name for tensor in quantized.graph.initializer}
    sources = {name: node.input[0] for node in quantized.graph.node for name in node.output}
    products = [node for node in quantized.graph.node if node.op_type == "MatMul"]
    weighted = [node for node in products if sources.get(node.input[1]) in constant]
    assert (len(products), len(weighted)) == (6, 4)
    assert all(made[node.input[0]] == "DequantizeLinear" for node in weighted)
    np.testing.assert_allclose(run(quantized, x), run(proto, x), atol=0.1)


# -- errors --------------------------------------------------------------------------------------------------------

BAD_CALIBRATION: dict[str, tuple[Callable[[], Any], str]] = {
    "missing": (lambda: None, "Mode 'static' needs `calibration`"),
    "a number": (lambda: 3, "`calibration` is an array, one array per input or an iterable of batches, got 3"),
    "no batch": (lambda: iter(()), "`calibration` holds no batch"),
    "no sample": (lambda: CALIBRATION[:0], r"shape \(0, 8, 8, 1\) for input 'image': it is empty"),
    "a wrong size": (
        lambda: CALIBRATION[:, 1:],
        r"shape \(200, 7, 8, 1\) for input 'image', which is \(batch, 8, 8, 1\)",
    ),
    "a wrong rank": (
        lambda: CALIBRATION[..., 0],
        r"shape \(200, 8, 8\) for input 'image', which is \(batch, 8, 8, 1\)",
    ),
    "a wrong name": (lambda: {"x": CALIBRATION}, "is for 'x'; the inputs are image"),
    "text": (lambda: np.full((2, 8, 8, 1), "a"), "dtype <U1 for input 'image', which is float32"),
    "targets": (lambda: [(CALIBRATION, LABELS)], "Batch 0 of `calibration` has 2 arrays; the inputs are image"),
    "a later batch": (lambda: [CALIBRATION, CALIBRATION[0]], r"Batch 1 of `calibration` has shape \(8, 8, 1\)"),
    "NaN": (lambda: CALIBRATION * np.nan, "`calibration` holds NaN or infinity for input 'image'"),
}


@pytest.mark.parametrize("name", BAD_CALIBRATION)
def test_calibration_that_does_not_fit(exported: dict[str, onnx.ModelProto], name: str) -> None:
    calibration, message = BAD_CALIBRATION[name]
    with pytest.raises(ValueError, match=message):
        quantize(exported["dense"], "static", calibration())


def test_wrong_modes(exported: dict[str, onnx.ModelProto]) -> None:
    with pytest.raises(ValueError, match="`mode` must be 'dynamic' or 'static', got 'int4'"):
        quantize(exported["dense"], "int4")
    with pytest.raises(ValueError, match="`calibration` is for mode 'static'"):
        quantize(exported["dense"], "dynamic", CALIBRATION)


@pytest.mark.parametrize("dtype", ["float64", "float16", None])
@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_a_model_with_nothing_to_quantize(tmp_path: Path, dtype: str | None, mode: str) -> None:
    layer = layers.Dense(4, dtype=dtype) if dtype else layers.ReLU()
    proto = export(keras.Sequential([keras.Input((16,)), layer], name="rest"), tmp_path)
    with pytest.raises(ValueError, match=r"nothing to quantize in model 'rest'.*constant weights in float32"):
        quantize(proto, mode, np.ones((3, 16), "float32") if mode == "static" else None)


# -- the report ----------------------------------------------------------------------------------------------------


def shifted(by: list[list[float]], output: str = "y") -> onnx.ModelProto:
    """A model that adds a matrix to its input."""
    constant = numpy_helper.from_array(np.array(by, "float32"), "by")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "by"], [output]), helper.make_node("ReduceSum", [output], ["total"])],
        "shifted",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("total", TensorProto.FLOAT, [1, 1]),
        ],
        [constant],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_the_numbers_of_the_report() -> None:
    before, after = shifted([[0, 0, 0]]), shifted([[0.5, -0.25, 0]])
    # The first two rows keep their largest entry, the third does not.
    x = np.array([[1, 0, 0], [0, 0, 9], [1, 1.25, 0], [3, 0, 0]], "float32")
    report = accuracy_report(before, after, [x[:3], x[3:]])
    y, total = report.outputs
    assert (y.name, y.largest, y.mean, y.agreement) == ("y", 0.5, 0.25, 0.75)
    # Rows shift by 0.25 in sum: a batch of three by 0.75, one of one by 0.25. One number is no class.
    assert (total.name, total.largest, total.mean, total.agreement) == ("total", 0.75, 0.5, None)
    assert (report.samples, report.bytes_before, report.bytes_after) == (4, before.ByteSize(), after.ByteSize())
    text = str(report)
    assert f"{before.ByteSize():,} to {after.ByteSize():,} bytes (100%); compared on 4 samples" in text
    assert "y: largest difference 0.5, mean 0.25, same class 75.0%" in text
    assert text.endswith("total: largest difference 0.75, mean 0.5")


def test_reports_of_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="outputs differ: y, total and z, total"):
        accuracy_report(shifted([[0, 0, 0]]), shifted([[0, 0, 0]], "z"), np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"`samples` has shape \(1, 2\)"):
        accuracy_report(shifted([[0, 0, 0]]), shifted([[0, 0, 0]]), np.ones((1, 2)))
    with pytest.raises(ValueError, match="`samples` holds no batch"):
        accuracy_report(shifted([[0, 0, 0]]), shifted([[0, 0, 0]]), [])


# -- what must not be seen -----------------------------------------------------------------------------------------


def batches_that_log() -> Iterator[np.ndarray]:
    logging.getLogger().warning("a message of the caller's")
    yield CALIBRATION


def test_it_is_silent_and_leaves_nothing_behind(
    exported: dict[str, onnx.ModelProto],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    root = logging.getLogger()
    seen = [*root.handlers], [*root.filters]
    for kind in ("dense", "conv"):
        quantize(exported[kind], "dynamic")
        quantize(exported[kind], "static", CALIBRATION)
    with pytest.raises(ValueError, match="Batch 1"):
        quantize(exported["dense"], "static", [CALIBRATION, CALIBRATION[0]])
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    quantize(exported["dense"], "static", batches_that_log())
    assert [record.getMessage() for record in caplog.records] == ["a message of the caller's"]
    assert ([*root.handlers], [*root.filters]) == seen


def test_the_quantizer_does_log(exported: dict[str, onnx.ModelProto], tmp_path: Path, caplog: Any) -> None:
    """If it no longer does, the test above shows nothing."""
    from onnxruntime.quantization import quantize_dynamic

    onnx.save(exported["dense"], tmp_path / "model.onnx")
    quantize_dynamic(tmp_path / "model.onnx", tmp_path / "quantized.onnx")
    assert any("pre-processing" in record.getMessage() for record in caplog.records)
