"""Models that others wrote import, and compute what ONNX Runtime computes of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import onnx
import onnxruntime
import pytest
from cornu.ir.onnx import OnnxImportError
from onnx import ModelProto, TensorProto, numpy_helper

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
LIGHT = sorted((DATA / "light").glob("*.onnx"))
DEBIAN = Path("/usr/share/libonnx-testdata/data")
OWN = sorted((Path(__file__).parent / "others").glob("*.onnx"))
SIZES = {"batch": 3, "time": 6}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = onnxruntime.get_default_logger_severity() if hasattr(onnxruntime, "get_default_logger_severity") else 2
    onnxruntime.set_default_logger_severity(4)
    yield
    onnxruntime.set_default_logger_severity(before)


def session(model: ModelProto) -> Any:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def inputs_of(runner: Any, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {}
    for item in runner.get_inputs():
        shape = [SIZES.get(size, size) for size in item.shape]
        whole = "int" in item.type
        found[item.name] = rng.integers(0, 8, shape) if whole else rng.normal(size=shape).astype("float32")
    return found


def same(found: Any, expected: Sequence[np.ndarray], rtol: float = 1e-3) -> None:
    outputs = found if isinstance(found, list) else [found]
    assert len(outputs) == len(expected)
    for actual, wanted in zip(outputs, expected, strict=True):
        largest = float(np.abs(wanted).max()) if wanted.size and wanted.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(np.asarray(actual), wanted, rtol=rtol, atol=rtol * largest + 1e-6)


# -- architectures of the onnx wheel -------------------------------------------------------------------------------


def with_weights(model: ModelProto) -> ModelProto:
    """The wheel keeps architectures small by ConstantOfShape in the place of weights: here come numbers again."""
    rng = np.random.default_rng(0)
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    made = [node for node in model.graph.node if node.op_type == "ConstantOfShape" and node.input[0] in shapes]
    readers = {name: (node, i) for node in model.graph.node for i, name in enumerate(node.input)}
    for node in made:
        shape = tuple(int(size) for size in shapes[node.input[0]])
        reader, place = readers[node.output[0]]
        positive = reader.op_type == "BatchNormalization" and place == 4
        spread = (2 / max(1, np.prod(shape[1:]))) ** 0.5
        values = rng.uniform(0.5, 1.5, shape) if positive or len(shape) == 1 else rng.normal(size=shape) * spread
        model.graph.initializer.append(numpy_helper.from_array(values.astype("float32"), node.output[0]))
        model.graph.node.remove(node)
    return model


def test_there_are_nine_architectures() -> None:
    assert len(LIGHT) == 9
    assert all(len(onnx.load(path).graph.node) > 30 for path in LIGHT)


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_architectures_of_the_onnx_wheel(path: Path) -> None:
    heavy = "vgg" in path.stem or "alexnet" in path.stem or "zfnet" in path.stem
    proto = onnx.load(path) if heavy else with_weights(onnx.load(path))
    model = cornu.models.from_onnx(proto)
    runner = session(proto)
    given = inputs_of(runner)
    same(model(given), runner.run(None, given))
    assert model.input_names == list(given)
    if not heavy:
        assert len(model.weights) > 30


@pytest.mark.parametrize("kind", ["pytorch-converted", "pytorch-operator"])
def test_what_pytorch_exported_long_ago(kind: str) -> None:
    """All of the wheel's, with its own inputs and outputs."""
    count = 0
    for folder in sorted((DATA / kind).iterdir()):
        inputs, outputs = (tensors(folder / "test_data_set_0", name) for name in ("input", "output"))
        model = cornu.models.from_onnx(folder / "model.onnx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            same(model(inputs if len(inputs) > 1 else inputs[0]), outputs)
        count += 1
    assert count == len(list((DATA / kind).iterdir())) > 30


def tensors(folder: Path, kind: str) -> list[np.ndarray]:
    paths = sorted(folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    return [numpy_helper.to_array(TensorProto.FromString(path.read_bytes())) for path in paths]


def test_data_sets_of_the_onnxruntime_wheel() -> None:
    folder = Path(onnxruntime.__file__).parent / "datasets"
    read = []
    for path in sorted(folder.glob("*.onnx")):
        try:
            model = cornu.models.from_onnx(path)
        except OnnxImportError as error:
            assert "ai.onnx.ml." in str(error)  # noqa: PT017 - the one that is no network
            continue
        proto = onnx.load(path)
        given = inputs_of(session(proto))
        same(model(given), session(proto).run(None, given))
        read.append(path.stem)
    assert read == ["mul_1", "sigmoid"]


# -- models that PyTorch exported; others/make_with_torch.py made them ---------------------------------------------


def test_there_are_models_of_every_kind() -> None:
    assert [path.stem for path in OWN] == ["cnn", "mixer", "recurrent", "transformer"]
    assert all(path.stat().st_size < 50_000 for path in OWN)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_models_of_pytorch(path: Path) -> None:
    model = cornu.models.from_onnx(path)
    runner = session(onnx.load(path))
    given = inputs_of(runner)
    expected = runner.run(None, given)
    same(model(given), expected, rtol=1e-5)
    same(model.predict(given, verbose=0), expected, rtol=1e-5)
    assert model.output_names == [item.name for item in runner.get_outputs()]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_models_of_pytorch_train_on(path: Path) -> None:
    model = cornu.models.from_onnx(path)
    given = inputs_of(session(onnx.load(path)))
    outputs = model.predict(given, verbose=0)
    goals = [y / 2 + 0.3 for y in outputs] if isinstance(outputs, list) else outputs / 2 + 0.3
    model.compile(cornu.optimizers.Adam(0.01), "mse")
    losses = model.fit(given, goals, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert all(weight.trainable == ("running" not in weight.path) for weight in model.weights)


def test_weights_have_the_names_of_the_file() -> None:
    model = cornu.models.from_onnx(OWN[0])
    names = {tensor.name for tensor in onnx.load(OWN[0]).graph.initializer}
    assert {weight.path for weight in model.weights} <= names
    assert {"last.3.weight", "last.3.bias"} <= {weight.path for weight in model.weights}


# -- Debian's copy of the models of onnx, where it is installed ----------------------------------------------------


@pytest.mark.skipif(not DEBIAN.exists(), reason="libonnx-testdata is not installed")
def test_models_of_debian() -> None:
    read = 0
    for path in sorted(DEBIAN.rglob("light_*.onnx")):
        model = cornu.models.from_onnx(path)
        runner = session(onnx.load(path))
        given = inputs_of(runner)
        same(model(given), runner.run(None, given))
        read += 1
    assert read
