"""Callbacks that report to the outside: TensorBoard's files, read back by its own reader, and a server."""

from __future__ import annotations

import json
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import cornu as keras
import numpy as np
import pytest
from cornu import callbacks, layers
from cornu.callbacks.event_file import EventFile, as_picture, crc32c, png

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X.sum(-1, keepdims=True)


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with keras.use_backend("numpy"):
        yield


def make_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="first"), layers.Dense(1, name="second")])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def read(folder: Path) -> Any:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TensorBoard's own
        return accumulator(str(folder), size_guidance={"tensors": 0, "histograms": 0, "images": 0}).Reload()


def scalars(run: Any, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in run.Scalars(tag)]


# -- TensorBoard ---------------------------------------------------------------------------------------------------


def test_checksum_and_picture_have_known_answers() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(bytes(range(32))) == 0x46DD794E
    picture = png(np.array([[0, 255, 7]], np.uint8))
    assert struct.unpack(">II", picture[16:24]) == (3, 1)
    start = picture.index(b"IDAT") + 4
    size = struct.unpack(">I", picture[start - 8 : start - 4])[0]
    assert zlib.decompress(picture[start : start + size]) == bytes([0, 0, 255, 7])


def test_pictures_of_weights() -> None:
    assert as_picture(np.zeros((2, 3, 4))) is None
    np.testing.assert_array_equal(as_picture(np.array([1.0, 3.0])), [[0, 1]])
    picture = as_picture(np.arange(6.0).reshape(3, 2))
    assert picture is not None
    assert picture.shape == (2, 3)


def test_metrics_of_epochs(tmp_path: Path) -> None:
    model = make_model()
    history = model.fit(
        X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[callbacks.TensorBoard(tmp_path)]
    ).history
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert scalars(train, "epoch_loss") == [(i, pytest.approx(v)) for i, v in enumerate(history["loss"])]
    assert scalars(train, "epoch_learning_rate")[0] == (0, pytest.approx(0.01))
    assert scalars(validation, "epoch_loss") == [(i, pytest.approx(v)) for i, v in enumerate(history["val_loss"])]
    steps = [step for step, _ in scalars(validation, "evaluation_loss_vs_iterations")]
    assert steps == [1, 2, 3]
    assert "batch_loss" not in train.Tags()["scalars"]


@pytest.mark.parametrize(("frequency", "steps"), [("batch", [1, 2, 3, 4]), (3, [3])])
def test_metrics_of_batches(tmp_path: Path, frequency: Any, steps: list[int]) -> None:
    board = callbacks.TensorBoard(tmp_path, update_freq=frequency, write_steps_per_second=True)
    make_model().fit(X, Y, batch_size=2, verbose=0, callbacks=[board])
    train = read(tmp_path / "train")
    assert [step for step, _ in scalars(train, "batch_loss")] == steps
    assert [step for step, _ in scalars(train, "batch_steps_per_second")] == steps
    assert scalars(train, "epoch_steps_per_second")[0][1] > 0


def test_weights_and_structure(tmp_path: Path) -> None:
    model = make_model()
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2, write_images=True)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[board])
    train = read(tmp_path / "train")
    path = model.get_layer("first").kernel.path
    histograms = train.Histograms(f"{path}/histogram")
    assert [event.step for event in histograms] == [0, 2]
    kernel = model.get_layer("first").kernel.numpy()
    last = histograms[-1].histogram_value
    assert (last.num, last.min, last.max) == (6, pytest.approx(kernel.min()), pytest.approx(kernel.max()))
    assert last.sum_squares == pytest.approx(np.square(kernel).sum())
    assert sum(last.bucket) == 6
    image = train.Images(f"{path}/image")[0]
    assert (image.width, image.height) == (3, 2)
    (structure,) = train.Tensors("keras")
    assert json.loads(structure.tensor_proto.string_val[0])["class_name"] == "Sequential"
    assert train.SummaryMetadata("keras").plugin_data.plugin_name == "graph_keras_model"


def test_a_subclass_without_a_graph_writes_metrics_only(tmp_path: Path) -> None:
    class Plain(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = Plain()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path)])
    assert read(tmp_path / "train").Tags()["tensors"] == []


def test_embeddings_for_the_projector(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,), dtype="int32"), layers.Embedding(3, 4, name="words"), layers.Flatten()])
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"})
    model.fit(np.array([[0, 1], [1, 2]]), np.zeros((2, 8)), verbose=0, callbacks=[board])
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words.tsv"' in config
    assert 'metadata_path: "labels.tsv"' in config
    np.testing.assert_allclose(np.loadtxt(tmp_path / "words.tsv"), model.layers[0].embeddings.numpy(), rtol=1e-5)
    with pytest.raises(ValueError, match=r"names \['other'\]; the embeddings are \['words'\]"):
        model.fit(
            np.array([[0, 1]]), np.zeros((1, 8)), verbose=0,
            callbacks=[callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"other": "x"})],
        )  # fmt: skip


def test_values_that_are_not_finite_stay_out_of_histograms(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.histogram("some", np.array([1.0, np.nan, np.inf]), 0)
    file.histogram("none", np.array([]), 0)
    file.flush()
    run = read(tmp_path)
    assert run.Histograms("some")[0].histogram_value.num == 1
    assert run.Histograms("none")[0].histogram_value.num == 0


@pytest.mark.parametrize("arguments", [{"profile_batch": 2}, {"update_freq": "day"}, {"update_freq": 0}])
def test_what_cannot_be_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"TensorBoard.*{next(iter(arguments))}"):
        callbacks.TensorBoard(**arguments)


# -- a server ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    received: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", received
    listening.shutdown()
    listening.server_close()
    thread.join()


def test_a_server_receives_metrics(server: Any) -> None:
    root, received = server
    monitors = [
        callbacks.RemoteMonitor(root, "/epoch/", headers={"X-Key": "k"}),
        callbacks.RemoteMonitor(root, "/json/", send_as_json=True),
    ]
    history = make_model().fit(X, Y, epochs=2, verbose=0, callbacks=monitors).history
    expected = {"epoch": 1, "loss": pytest.approx(history["loss"][1])}
    (path, headers, form), (_, _, body) = received[2:]
    assert path == "/epoch/"
    assert headers["X-Key"] == "k"
    assert json.loads(parse_qs(form.decode())["data"][0]) == expected
    assert json.loads(body) == expected


def test_a_silent_server_is_warned_about() -> None:
    monitor = callbacks.RemoteMonitor("http://127.0.0.1:9")
    with pytest.warns(UserWarning, match=r"127\.0\.0\.1:9 cannot be reached"):
        make_model().fit(X, Y, verbose=0, callbacks=[monitor])
    with pytest.raises(ValueError, match="root"):
        callbacks.RemoteMonitor("file:///etc")
