"""The ONNX Runtime backend on a GPU: `make cuda`. Without one, and the wheel onnxruntime-gpu, it is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import onnx
import onnxruntime
import pytest
from cornu.backend.manager import register_backend, unregister_backend
from cornu.datasets import digits
from cornu.ir.types import DTYPES, numpy_dtype
from cornu_conformance import Subject, run_suite
from cornu_onnxruntime import OnnxRuntimeBackend

CUDA = "CUDAExecutionProvider"
GPU: dict[str, Any] = {"device": "cuda"}
# TensorFloat-32 rounds what goes into products to ten bits; equality with the CPU needs them all.
EXACT: dict[str, Any] = {"device": "cuda", "providers": [(CUDA, {"use_tf32": 0})]}
HOST: dict[str, Any] = {"device": "cpu"}
STEPS, BATCH = 3, 32

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        CUDA not in onnxruntime.get_available_providers(), reason="needs a GPU and the wheel onnxruntime-gpu"
    ),
]


@pytest.fixture(scope="module", autouse=True)
def gpu() -> None:
    try:
        OnnxRuntimeBackend(providers=[CUDA])
    except ValueError as error:
        pytest.skip(f"needs a GPU: {error}")


def data() -> tuple[np.ndarray, np.ndarray]:
    (images, labels), _ = digits.load_data()
    count = STEPS * BATCH
    return images[:count, ..., np.newaxis].astype("float32"), labels[:count].astype("int64")


def classifier() -> Any:
    """A digits classifier without dropout, whose random bits no kernel of CUDA's makes."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Conv2D(24, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
    return model


def train(name: str, where: dict[str, Any]) -> tuple[list[float], list[np.ndarray], np.ndarray]:
    """Losses, weights and predictions of three steps."""
    x, y = data()
    with keras.use_backend(name, **where):
        model = classifier()
        steps = [slice(i * BATCH, (i + 1) * BATCH) for i in range(STEPS)]
        losses = [float(model.train_on_batch(x[part], y[part])) for part in steps]
        return losses, model.get_weights(), np.asarray(model.predict(x[:7], verbose=0))


def test_a_gpu_computes_what_the_cpu_does() -> None:
    losses, weights, predictions = train("onnxruntime", EXACT)
    expected, expected_weights, expected_predictions = train("onnxruntime", HOST)
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    np.testing.assert_allclose(predictions, expected_predictions, rtol=1e-3, atol=1e-5)
    for weight, wanted in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-3, atol=1e-5)


def test_state_lies_on_the_device() -> None:
    x, y = data()
    with keras.use_backend("onnxruntime", **GPU) as backend:
        model = classifier()
        for _ in range(2):
            model.train_on_batch(x[:BATCH], y[:BATCH])
        variables = [*model.weights, *model.optimizer.variables]
        assert len(variables) > 15
        for variable in variables:
            held, owner, place = variable.concrete()._held
            assert (owner, place) == (backend, "cuda"), variable.path
            assert held.device_name().lower() == "cuda", variable.path
        assert np.shape(model.predict_on_batch(x[:5])) == (5, 10)


class Watched(OnnxRuntimeBackend):
    """Writes every model down as ONNX Runtime runs it."""

    folder: Path

    def _session_options(self) -> Any:
        settings = super()._session_options()
        settings.optimized_model_filepath = str(self.folder / f"{len(list(self.folder.iterdir())):04d}.onnx")
        return settings


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[str]:
    register_backend("watched", type("WatchedHere", (Watched,), {"folder": tmp_path}))
    yield "watched"
    unregister_backend("watched")


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                yield from nodes(body)


def test_a_step_copies_nothing_to_the_host(watched: str, tmp_path: Path) -> None:
    train(watched, GPU)
    models = [onnx.load(path, load_external_data=False).graph for path in sorted(tmp_path.iterdir())]
    largest = max(models, key=lambda graph: len(list(nodes(graph))))
    assert len(list(nodes(largest))) > 50  # the training step: everything else is an operation or a prediction
    # Sizes are known on the host, so that a few numbers may come from there; nothing goes there.
    assert [node.input[0] for node in nodes(largest) if node.op_type == "MemcpyToHost"] == []
    assert [node.op_type for node in nodes(largest)].count("MemcpyFromHost") <= 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3, 4)])
def test_buffers_of_every_dtype(dtype: str, shape: tuple[int, ...]) -> None:
    backend = OnnxRuntimeBackend()
    array = np.random.default_rng(0).integers(0, 2, shape).astype(numpy_dtype(dtype))
    buffer = backend.from_numpy(array, "cuda")
    assert buffer.device_name().lower() == "cuda"
    back = backend.to_numpy(buffer)
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_the_contract_on_the_device() -> None:
    """`make cuda` runs all levels: `cornu conformance onnxruntime --device cuda`."""
    report = run_suite(Subject("onnxruntime", "cuda"), ["contract"])
    assert [str(result) for result in report.failures()] == []
