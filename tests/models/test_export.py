"""Exporting models and functions: names, sizes, files, errors, and graphs that are as they should be."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import onnx
import onnxruntime
import pytest
from cornu.cli import main
from cornu.export import ExportError, verification, writing
from cornu.ir.onnx import OnnxExportError
from cornu.ir.onnx.schemas import newest_opset
from cornu.layers import InputSpec

layers = keras.layers


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(path: Path, **feeds: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(array) for array in session(path).run(None, feeds)]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(str(path)).graph.node)


def shapes(values: Any) -> dict[str, list[Any]]:
    return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}


def scrambled(model: Any) -> Any:
    """The model with weights that are not those that it began with."""
    for i, variable in enumerate(model.weights):
        if "float" in variable.dtype:
            values = 0.3 * normal(*variable.shape, seed=i)
            variable.assign(np.abs(values) + 0.5 if "variance" in variable.name else values)
    return model


def small() -> Any:
    return scrambled(keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3, name="y")], name="small"))


# -- names and sizes -----------------------------------------------------------------------------------------------


def test_names_are_the_models_own_and_an_unused_input_stays(tmp_path: Path) -> None:
    inputs = {"left": keras.Input((4,), name="left"), "unused": keras.Input((7,), name="unused")}
    hidden = layers.Dense(5, name="hidden")(inputs["left"])
    outputs = {"score": layers.Dense(1, name="a")(hidden), "label": layers.Dense(2, name="b")(hidden)}
    model = keras.Model(inputs, outputs, name="named")
    report = model.export(tmp_path / "m.onnx", verbose=False)
    graph = onnx.load(str(tmp_path / "m.onnx")).graph
    assert shapes(graph.input) == {"left": ["batch", 4], "unused": ["batch", 7]}
    assert shapes(graph.output) == {"label": ["batch", 2], "score": ["batch", 1]}
    assert report.output_names == ("label", "score")
    assert {tensor.name for tensor in graph.initializer} == {
        f"{layer}/{kind}" for layer in ("hidden", "a", "b") for kind in ("kernel", "bias")
    }
    assert all(node.name.startswith("named/") for node in graph.node)
    x, unused = normal(3, 4), normal(3, 7)
    expected = model.predict({"left": x, "unused": unused}, verbose=0)
    label, score = run(tmp_path / "m.onnx", left=x, unused=unused)
    np.testing.assert_allclose(label, expected["label"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(score, expected["score"], rtol=1e-5, atol=1e-6)


def test_equal_weights_are_not_one(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="a"), layers.Dense(3, name="b")], name="m")
    model.set_weights([np.ones((3, 3)), np.zeros(3)] * 2)
    model.export(tmp_path / "m.onnx", verbose=False)
    names = {tensor.name for tensor in onnx.load(str(tmp_path / "m.onnx")).graph.initializer}
    assert names == {"m/a/kernel", "m/a/bias", "m/b/kernel", "m/b/bias"}


@pytest.mark.parametrize("dynamic", [{"image": {1: "height", 2: "width"}}, [{1: "height", -2: "width"}]])
def test_further_sizes_stay_open_by_name(dynamic: Any, tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3), name="image")
    model = scrambled(keras.Model(image, layers.Conv2D(2, 3, strides=2, padding="same", name="c")(image)))
    model.export(tmp_path / "m.onnx", dynamic_shapes=dynamic, verbose=False)
    graph = onnx.load(str(tmp_path / "m.onnx")).graph
    assert shapes(graph.input) == {"image": ["batch", "height", "width", 3]}
    bigger = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, strides=2, padding="same")])
    bigger.set_weights(model.get_weights())
    x = normal(2, 11, 6, 3)
    np.testing.assert_allclose(run(tmp_path / "m.onnx", image=x)[0], bigger.predict(x, verbose=0), atol=1e-5)


def test_a_signature_fixes_sizes(tmp_path: Path) -> None:
    signature = [InputSpec(shape=(2, 4), dtype="float32", name="x")]
    small().export(tmp_path / "m.onnx", input_signature=signature, verbose=False)
    assert shapes(onnx.load(str(tmp_path / "m.onnx")).graph.input) == {"x": [2, 4]}


def test_a_function(tmp_path: Path) -> None:
    weights = keras.Variable(np.arange(3, dtype="float32"), name="weights")

    @keras.function
    def scaled(a: Any, b: Any) -> dict[str, Any]:
        return {"sum": a * weights + b, "rest": a - b}

    signature = [InputSpec(shape=(None, 3), name="a"), InputSpec(shape=(None, 3), name="b")]
    report = keras.export.export_model(scaled, tmp_path / "f.onnx", input_signature=signature, verbose=False)
    assert (report.input_names, report.output_names) == (("a", "b"), ("rest", "sum"))
    a, b = normal(2, 3), normal(2, 3, seed=1)
    rest, total = run(tmp_path / "f.onnx", a=a, b=b)
    np.testing.assert_allclose(total, a * [0, 1, 2] + b, rtol=1e-6)
    np.testing.assert_allclose(rest, a - b, rtol=1e-6)


def test_a_stateful_layer_hands_its_state_on(tmp_path: Path) -> None:
    inputs = keras.Input(batch_shape=(2, 5, 3), name="x")
    model = scrambled(keras.Model(inputs, layers.GRU(4, stateful=True, name="gru")(inputs), name="m"))
    report = model.export(tmp_path / "m.onnx", verbose=False)
    (name,) = report.state_names
    x = normal(2, 10, 3)
    first, state = run(tmp_path / "m.onnx", x=x[:, :5])
    second, _ = run(tmp_path / "m.onnx", x=x[:, 5:], **{name: state})
    for part, answer in ((x[:, :5], first), (x[:, 5:], second)):
        np.testing.assert_allclose(model.predict(part, batch_size=2, verbose=0), answer, rtol=1e-5, atol=1e-6)


# -- numbers -------------------------------------------------------------------------------------------------------

SAME: dict[str, Callable[[], Any]] = {
    "Conv2D": lambda: layers.Conv2D(3, 3, strides=2, padding="same"),
    "Conv2D of an even kernel": lambda: layers.Conv2D(3, 4, strides=2, padding="same"),
    "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"),
    "MaxPooling2D": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
    "AveragePooling2D": lambda: layers.AveragePooling2D(3, strides=2, padding="same"),
}


@pytest.mark.parametrize("name", SAME)
def test_strided_same_padding_of_open_sizes(name: str, tmp_path: Path) -> None:
    model = scrambled(keras.Sequential([keras.Input((None, None, 2), name="x"), SAME[name]()]))
    model.export(tmp_path / "m.onnx", verbose=False)
    for height, width in ((16, 16), (20, 17), (20, 20), (21, 21)):
        x = normal(2, height, width, 2)
        with keras.use_backend("numpy"):
            expected = model.predict(x, verbose=0)
        assert expected.shape[1:3] == (-(-height // 2), -(-width // 2))
        np.testing.assert_allclose(run(tmp_path / "m.onnx", x=x)[0], expected, rtol=1e-5, atol=1e-5)


def attention(x: Any, mask: Any) -> Any:
    return layers.MultiHeadAttention(2, 4)(x, x, attention_mask=mask, use_causal_mask=True)


TIMED: dict[str, Callable[[Any, Any], Any]] = {
    "LSTM": lambda x, mask: layers.LSTM(5, return_sequences=True)(x),
    "masked LSTM": lambda x, mask: layers.LSTM(5, return_sequences=True)(x, mask=mask),
    "Bidirectional": lambda x, mask: layers.Bidirectional(layers.GRU(3))(x),
    "masked Bidirectional": lambda x, mask: layers.Bidirectional(layers.LSTM(3))(x, mask=mask),
    "MultiHeadAttention": lambda x, mask: attention(x, None),
    "masked MultiHeadAttention": lambda x, mask: attention(x, keras.ops.expand_dims(mask, 1)),
}


@pytest.mark.parametrize("name", TIMED)
def test_open_time(name: str, tmp_path: Path) -> None:
    x = keras.Input((None, 4), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    model = scrambled(keras.Model([x, mask], TIMED[name](x, mask)))
    report = model.export(tmp_path / "m.onnx", verbose=False)
    for length in (1, 7, 50):
        holes = np.random.default_rng(length).random((3, length)) < 0.6
        holes[:, 0] = True
        array = normal(3, length, 4)
        with keras.use_backend("numpy"):
            expected = model.predict([array, holes], verbose=0)
        found = run(tmp_path / "m.onnx", x=array, mask=holes)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    recurrent = "masked" in name and "Attention" not in name
    assert any("holes" in note for note in report.notes) == recurrent


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "bfloat16"])
def test_short_floats(policy: str, tmp_path: Path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((6,), name="x"), layers.Dense(8, activation="relu"), layers.Dense(3)])
    finally:
        keras.config.set_dtype_policy(before)
    report = scrambled(model).export(tmp_path / "m.onnx", verbose=False)
    assert report.path.exists()
    if policy != "bfloat16":  # NumPy has no such arrays to feed ONNX Runtime with
        x = normal(5, 6).astype(model.inputs[0].dtype)
        found = run(tmp_path / "m.onnx", x=x)[0]
        np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-2, atol=1e-2)


# -- graphs --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("passes_on")
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("both", [False, True])
def test_a_recurrent_layer_is_one_node(kind: str, both: bool, tmp_path: Path) -> None:
    layer = getattr(layers, kind)(5)
    x = keras.Input((None, 3), name="x")
    keras.Model(x, (layers.Bidirectional(layer) if both else layer)(x)).export(tmp_path / "m.onnx", verbose=False)
    found = operators(tmp_path / "m.onnx")
    assert found["RNN" if kind == "SimpleRNN" else kind] == 1
    assert found["Scan"] == found["Loop"] == found["If"] == 0


def residual() -> Any:
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    y = layers.Activation("relu")(y)
    y = layers.Conv2D(8, 3, padding="same")(y)
    x = layers.Add()([x, y])
    x = layers.MaxPooling2D()(x)
    z = layers.Conv2D(4, 1)(x)
    x = layers.Concatenate()([x, z])
    x = layers.Conv2D(6, 3, strides=2, padding="same")(x)
    return scrambled(keras.Model(image, layers.Dense(10)(layers.Flatten()(x))))


@pytest.mark.usefixtures("passes_on")
def test_channels_last_models_turn_their_images_once(tmp_path: Path) -> None:
    model = residual()
    model.export(tmp_path / "m.onnx", verbose=False)
    found = operators(tmp_path / "m.onnx")
    assert found["Conv"] == 5
    assert found["Transpose"] <= 2
    moving = {"Reshape", "Flatten", "Gather", "GatherND", "Slice", "Squeeze", "Unsqueeze", "Expand", "Pad", "Einsum"}
    assert sum(found[op] for op in moving) <= 1  # Flatten's own
    x = normal(2, 32, 32, 3)
    np.testing.assert_allclose(run(tmp_path / "m.onnx", image=x)[0], model.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("passes_on")
def test_normalization_is_folded_where_asked(tmp_path: Path) -> None:
    model = residual()
    model.export(tmp_path / "whole.onnx", verbose=False)
    model.export(tmp_path / "folded.onnx", fold_batch_normalization=True, verbose=False)
    assert operators(tmp_path / "whole.onnx")["BatchNormalization"] == 1
    assert operators(tmp_path / "folded.onnx")["BatchNormalization"] == 0
    x = normal(2, 32, 32, 3)
    whole, folded = (run(tmp_path / f"{name}.onnx", image=x)[0] for name in ("whole", "folded"))
    np.testing.assert_allclose(folded, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("passes_on")
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_normalization_is_folded_into_every_kind_of_product(data_format: str, tmp_path: Path) -> None:
    axis, shape = (-1, (9, 9, 3)) if data_format == "channels_last" else (1, (3, 9, 9))
    stack: list[Any] = [keras.Input(shape, name="x")]
    for layer in (layers.Conv2D(4, 3), layers.Conv2DTranspose(5, 3, use_bias=False), layers.DepthwiseConv2D(3)):
        layer.data_format = data_format
        stack += [layer, layers.BatchNormalization(axis=axis)]
    model = scrambled(keras.Sequential([*stack, layers.Flatten(), layers.Dense(6), layers.BatchNormalization()]))
    model.export(tmp_path / "m.onnx", fold_batch_normalization=True, verbose=False)
    assert operators(tmp_path / "m.onnx")["BatchNormalization"] == 0
    x = normal(3, *shape)
    np.testing.assert_allclose(run(tmp_path / "m.onnx", x=x)[0], model.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


def test_standard_operators_where_the_opset_has_them(tmp_path: Path) -> None:
    x = keras.Input((None, 8), name="x")
    y = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x))
    model = keras.Model(x, layers.Dense(4, activation="gelu")(y))
    wanted = {17: {"LayerNormalization": 1, "Gelu": 0, "Attention": 0}}
    wanted |= {21: {"LayerNormalization": 1, "Gelu": 1, "Attention": 0}}
    wanted |= {newest_opset(): {"LayerNormalization": 1, "Gelu": 1, "Attention": 1}}
    for opset, expected in wanted.items():
        model.export(tmp_path / "m.onnx", opset_version=opset, verbose=False)
        found = operators(tmp_path / "m.onnx")
        assert {op: found[op] for op in expected} == expected


def test_the_lowest_ir_version_is_used(tmp_path: Path) -> None:
    for opset in range(17, newest_opset() + 1):
        small().export(tmp_path / "m.onnx", opset_version=opset, verbose=False)
        model = onnx.load(str(tmp_path / "m.onnx"))
        assert model.opset_import[0].version == opset
        assert model.ir_version == onnx.helper.find_min_ir_version_for(list(model.opset_import))


def test_a_file_is_hardly_larger_than_its_weights(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1024,)), *(layers.Dense(1024) for _ in range(2)), layers.Dense(512)])
    model.export(tmp_path / "m.onnx", verbose=False)
    weights = sum(np.asarray(array).nbytes for array in model.get_weights())
    assert weights > 10_000_000
    assert weights < (tmp_path / "m.onnx").stat().st_size < 1.02 * weights


# -- files ---------------------------------------------------------------------------------------------------------


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model = residual()
    for name in ("a", "b"):
        model.export(tmp_path / name, verbose=False, metadata={"b": "2", "a": "1"}, class_labels=list("0123456789"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_metadata(tmp_path: Path) -> None:
    labels = ["cat", "dog", "öther"]
    small().export(
        tmp_path / "m.onnx", verbose=False, description="What it is.", metadata={"k": "v"}, class_labels=labels
    )
    model = onnx.load(str(tmp_path / "m.onnx"))
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert (model.producer_name, model.doc_string, found["k"]) == ("cornu", "What it is.", "v")
    assert json.loads(found["class_labels"]) == labels
    with pytest.raises(ValueError, match=r"2 class labels, but the output has 3"):
        small().export(tmp_path / "m.onnx", verbose=False, class_labels=labels[:2])


def large() -> Any:
    return scrambled(keras.Sequential([keras.Input((64,), name="x"), layers.Dense(64), layers.Dense(64)], name="large"))


def test_weights_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = large()
    monkeypatch.setattr("cornu.export.exporter.LARGEST_FILE", 10_000)
    model.export(tmp_path / "m.onnx", verbose=False)  # it is too large for one file now
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert names[1].startswith("m.onnx.")
    tensors = onnx.load(str(tmp_path / "m.onnx"), load_external_data=False).graph.initializer
    locations = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    assert locations == {names[1]}
    x = normal(2, 64)
    np.testing.assert_allclose(run(tmp_path / "m.onnx", x=x)[0], model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    large().export(tmp_path / "m.onnx", verbose=False)
    scrambled(model).layers[0].kernel.assign(np.ones((64, 64)))
    model.export(tmp_path / "m.onnx", verbose=False)
    assert len(list(tmp_path.iterdir())) == 2  # the old weights are gone
    np.testing.assert_allclose(run(tmp_path / "m.onnx", x=x)[0], model.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("outside", [False, True])
def test_a_failure_leaves_everything_as_it_was(outside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = large()
    model.export(tmp_path / "m.onnx", verbose=False, external_data=outside)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    model.layers[0].kernel.assign(np.ones((64, 64)))

    def fail(*_: Any) -> None:
        raise ExportError("on purpose")

    monkeypatch.setattr("cornu.export.exporter.verify_file", fail)
    with pytest.raises(ExportError, match="on purpose"):
        model.export(tmp_path / "m.onnx", verbose=False, external_data=outside)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("what", ["weight", "shape", "garbage"])
def test_verification_finds_what_is_wrong(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = writing.to_model

    def wrong(*arguments: Any) -> Any:
        proto, arrays = original(*arguments)
        if what == "weight":
            proto.graph.initializer[0].raw_data = np.ones((4, 3), np.float32).tobytes()
        elif what == "shape":
            proto.graph.node[-1].op_type = "Gemm"
        else:
            del proto.graph.node[:]
        return proto, arrays

    monkeypatch.setattr("cornu.export.exporter.to_model", wrong)
    expected = {"weight": "'y' of the exported model differs by"}.get(what, "not valid|does not load")
    with pytest.raises(ExportError, match=expected):
        small().export(tmp_path / "m.onnx", verbose=False)
    assert list(tmp_path.iterdir()) == []
    small().export(tmp_path / "m.onnx", verbose=False, verify=False)
    assert (tmp_path / "m.onnx").exists()


def test_verification_tries_larger_sizes_where_small_ones_do_not_fit(tmp_path: Path) -> None:
    stack = [layers.Conv2D(2, 5, strides=2), layers.Conv2D(2, 5, strides=2), layers.GlobalMaxPooling2D()]
    model = keras.Sequential([keras.Input((None, None, 1)), *stack])
    model.export(tmp_path / "m.onnx", verbose=False)
    assert verification.SIZES[0][0] < 13  # the smallest image that it takes


# -- errors --------------------------------------------------------------------------------------------------------


def test_bad_arguments(tmp_path: Path) -> None:
    model = small()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"format": "tf_saved_model"}, "`format` must be 'onnx', got 'tf_saved_model'"),
        ({"kind": "evaluate"}, "`kind` must be one of 'predict', 'train_step', got 'evaluate'"),
        ({"quantize": "int4"}, "`quantize` must be None, 'dynamic' or 'static', got 'int4'"),
        ({"quantize": "dynamic", "kind": "train_step"}, "`quantize` is for predictions"),
        ({"opset_version": 9}, "opset must lie between 17 and"),
        ({"dynamic_shapes": {"z": {0: "n"}}}, r"`dynamic_shapes` names \['z'\], but the inputs are \['x'\]"),
        ({"dynamic_shapes": {"x": {2: "n"}}}, "input 'x' has 2 axes, there is no axis 2"),
        ({"dynamic_shapes": {"x": {1: "a b"}}}, "a size's name is an identifier, got 'a b'"),
        ({"dynamic_shapes": [{}, {}]}, "2 entries for 1 inputs"),
        ({"dynamic_shapes": {"x": {1: "features"}}}, "Axis 1 of 'x' cannot stay open: small needs 4 there"),
        ({"input_signature": ["x"]}, "`input_signature` holds `InputSpec`s with shapes or KerasTensors, got 'x'"),
        ({"kind": "train_step"}, r"You must call `compile\(\)` before using the model"),
    ]
    for arguments, message in bad:
        with pytest.raises(ValueError, match=message):
            model.export(tmp_path / "m.onnx", verbose=False, **arguments)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError, match=r"takes a model, a layer or a `cornu.function`, got 3"):
        keras.export.export_model(3, tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"The inputs of sequential.* are not known"):
        keras.Sequential([layers.Dense(2)]).export(tmp_path / "m.onnx")
    with pytest.raises(TypeError, match="unexpected keyword argument 'opset'"):
        model.export(tmp_path / "m.onnx", opset=17)


class Masked(layers.Layer):
    def call(self, x: Any) -> Any:
        return keras.ops.bitwise_xor(keras.ops.bitwise_and(x, 12), 5)


def test_what_an_opset_has_not_is_refused_by_name(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,), dtype="int32", name="x"), Masked(name="odd", dtype="int32")])
    with pytest.raises(OnnxExportError, match=r"opset 17 cannot express .*BitwiseAnd \(in .*odd\)\."):
        model.export(tmp_path / "m.onnx", opset_version=17, verbose=False)
    assert list(tmp_path.iterdir()) == []
    model.export(tmp_path / "m.onnx", opset_version=18, verbose=False)
    x = np.array([[1, 14, 255]], np.int32)
    assert run(tmp_path / "m.onnx", x=x)[0].tolist() == [[(v & 12) ^ 5 for v in (1, 14, 255)]]


# -- the command ---------------------------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = keras.Input((8, 8, 3), name="image")
    model = scrambled(keras.Model(image, layers.Conv2D(2, 3, padding="same")(image)))
    model.save(tmp_path / "m.keras")
    target = tmp_path / "m.onnx"
    words = ["--opset", "18", "--dynamic", "image:1=height", "--dynamic", "image:2=width"]
    assert main(["export", str(tmp_path / "m.keras"), str(target), *words]) == 0
    assert f"Saved artifact at '{target}'." in capsys.readouterr().out
    assert onnx.load(str(target)).opset_import[0].version == 18
    assert run(target, image=normal(1, 5, 6, 3))[0].shape == (1, 5, 6, 2)
    assert main(["export", str(tmp_path / "m.keras"), str(target), "--dynamic", "image=1"]) == 2
    assert "--dynamic takes INPUT:AXIS=NAME" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "none.keras"), str(target)]) == 2
    assert "none.keras" in capsys.readouterr().err


def test_nothing_is_printed_but_where_the_file_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    small().export(tmp_path / "m.onnx")
    captured = capfd.readouterr()
    assert captured.out == f"Saved artifact at '{tmp_path / 'm.onnx'}'.{os.linesep}"
    assert captured.err == ""
