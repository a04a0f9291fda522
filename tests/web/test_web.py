"""Exported models in onnxruntime-web (WASM), under Node.js and in a page of a headless Chromium: `make web`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import onnx
import pytest
from cornu.cli.digits_job import build_model
from cornu.datasets import digits
from cornu.export.quantization import quantize
from cornu_conformance.bare_session import BareSession
from numpy.typing import NDArray

HERE = Path(__file__).parent
BROWSERS = (
    os.environ.get("CORNU_BROWSER", ""),
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
RUNTIME = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]["onnxruntime-web"]
SIZES = (1, 7)

pytestmark = pytest.mark.web

Images = NDArray[np.float32]


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if not found or not (HERE / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("needs Node.js and onnxruntime-web; `make web` installs the latter")
    return found


@pytest.fixture(scope="module")
def browser() -> str:
    names = [os.environ.get("CORNU_BROWSER", ""), *BROWSERS]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if not found:
        pytest.skip("needs Chromium: install it, or name one in CORNU_BROWSER")
    return found


@pytest.fixture(scope="module")
def trained() -> Any:
    """The quickstart's model, trained a little."""
    (images, labels), _ = digits.load_data()
    keras.utils.set_random_seed(0)
    model = build_model()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(as_input(images[:512]), labels[:512], epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def images() -> list[Images]:
    """Two batches of different sizes."""
    _, (test, _) = digits.load_data()
    return [as_input(test[:size]) for size in SIZES]


@pytest.fixture(scope="module")
def job(trained: Any, images: list[Images], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model, the inputs and what Cornu predicts for them."""
    folder = tmp_path_factory.mktemp("job")
    trained.export(folder / "model.onnx", verbose=False)
    write_inputs(folder, images)
    predicted = [np.asarray(trained.predict(batch, verbose=0)).tolist() for batch in images]
    (folder / "expected.json").write_text(json.dumps(predicted), encoding="utf-8")
    return folder


def as_input(images: NDArray[np.uint8]) -> Images:
    return images[..., np.newaxis].astype(np.float32)


def write_inputs(folder: Path, batches: Sequence[Images]) -> None:
    written = [{"shape": batch.shape, "data": batch.ravel().tolist()} for batch in batches]
    (folder / "inputs.json").write_text(json.dumps(written), encoding="utf-8")


def run(*command: str | Path) -> dict[str, Any]:
    """What a script prints."""
    done = subprocess.run(list(map(str, command)), cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert "error" not in answer, answer["error"]
    assert answer["runtime"] == RUNTIME
    return answer


def outputs(answer: dict[str, Any], name: str) -> list[NDArray[np.float64]]:
    assert [list(result) for result in answer["results"]] == [[name]] * len(SIZES)
    return [np.reshape(result[name]["data"], result[name]["shape"]) for result in answer["results"]]


def check(answer: dict[str, Any], trained: Any, job: Path) -> None:
    expected = json.loads((job / "expected.json").read_text(encoding="utf-8"))
    assert np.std(expected[1]) > 0.1  # the digits are told apart
    assert answer["inputNames"] == [trained.input.name]
    (name,) = trained.output_names
    for found, wanted, size in zip(outputs(answer, name), expected, SIZES, strict=True):
        assert found.shape == (size, 10)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_node(node: str, trained: Any, job: Path) -> None:
    answer = run(node, "run_node.mjs", job)
    assert answer["agent"].startswith("Node.js v")
    check(answer, trained, job)


def test_browser(node: str, browser: str, trained: Any, job: Path) -> None:
    answer = run(node, "run_browser.mjs", browser, job)
    assert "Chrome/" in answer["agent"]
    served = dict(answer["served"])
    assert set(served.values()) == {200, 204}
    # The page compiled the runtime itself: nothing was computed elsewhere.
    assert {"/page.html", "/job/model.onnx", "/ort/ort-wasm-simd-threaded.wasm", "/result"} <= set(served)
    check(answer, trained, job)


@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_quantized_files_run_there_too(
    node: str, browser: str, images: list[Images], job: Path, tmp_path: Path, mode: str
) -> None:
    original = onnx.load(job / "model.onnx")
    calibration = as_input(digits.load_data()[0][0][:200]) if mode == "static" else None
    onnx.save(quantize(original, mode, calibration), tmp_path / "model.onnx")
    write_inputs(tmp_path, images)
    session = BareSession(tmp_path / "model.onnx")
    for answer in (run(node, "run_node.mjs", tmp_path), run(node, "run_browser.mjs", browser, tmp_path)):
        for found, batch in zip(outputs(answer, original.graph.output[0].name), images, strict=True):
            # A number that lies between two steps may go either way.
            np.testing.assert_allclose(found, session(batch)[0].astype(np.float64), atol=0.02)


def test_a_failing_page_is_reported(node: str, browser: str, images: list[Images], tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    write_inputs(tmp_path, images)
    with pytest.raises(AssertionError, match=r"(?i)protobuf|model"):
        run(node, "run_browser.mjs", browser, tmp_path)
