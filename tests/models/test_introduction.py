"""Keras's introduction: its code blocks, unmodified and in order, under `cornu run`.

The scripts hold the blocks as they stand there, and between them what their placeholders mean.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cornu.datasets import digits

SCRIPTS = Path(__file__).parent / "introduction"

# The SHA-256 of each block's text.
BLOCKS = {
    1: "35e64c4b1349c86f584700d02ec9bd4a3fd467ecebf80e0c78cf394042bda190",
    2: "2d12359979f03d4d283e526d940f4f7d6d7dfeb68b4f265fffdcf40d800b272c",
    3: "82115a9344846c31f8577698dd728a7e9ef696a8de7d40bbad9eb9eff37a3b78",
    4: "30d2d712e942e07fb90fdf71054d011bcc8be887f174224cfcc75d53adde9ad4",
    5: "79d549fd868628f13fcd0a5c7a212087f48102ab99b256cc1ca0498db661a166",
    6: "5945528cc012fc46936538ca50d45d5f2664a0e307dd6de6e13e11b17105f874",
    7: "e7188b34078f574d0068eb2a80549134d20bd3ac2be5f8938ebbd7fdb01d9c68",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an mnist.npz of 600 real digits, three times as large as Cornu's own and framed."""
    folder = tmp_path_factory.mktemp("datasets")
    (x_train, y_train), (x_test, y_test) = digits.load_data()

    def enlarge(images: np.ndarray) -> np.ndarray:
        large = np.kron(images, np.ones((1, 3, 3), "uint8")) * 15
        return np.pad(large, ((0, 0), (2, 2), (2, 2)))

    np.savez(
        folder / "mnist.npz",
        x_train=enlarge(x_train[:500]),
        y_train=y_train[:500],
        x_test=enlarge(x_test[:100]),
        y_test=y_test[:100],
    )
    return folder


@pytest.mark.parametrize("name", ["in_order", "sequential"])
def test_the_blocks_are_unmodified(name: str) -> None:
    text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    parts = re.findall(r"^# Block (\d)\n(.*?)\n(?=# (?:Block|Placeholders|End))", text, re.MULTILINE | re.DOTALL)
    found = {int(number): hashlib.sha256(block.encode()).hexdigest() for number, block in parts}
    assert list(found) == sorted(found)
    expected = BLOCKS if name == "in_order" else {number: text for number, text in BLOCKS.items() if number != 2}
    assert found == expected


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("name", ["in_order", "sequential"])
def test_the_introduction_runs(name: str, backend: str, data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cornu.cli", "run", "--backend", backend, str(SCRIPTS / f"{name}.py")]
    environment = {**os.environ, "CORNU_DATASETS": str(data), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    result = json.loads(line.removeprefix("RESULT "))
    assert result["accuracy"] > 0.8
    assert result["loss"] < 1.0
    assert result["shape"] == [100, 10]
    np.testing.assert_allclose(result["sums"], [1, 1], atol=1e-5)
    assert result["difference"] < 1e-6
    assert result["layers"][-3:] == ["Flatten", "Dense", "Dense"]
    assert result["optimizer"] == "Adam"
    assert (tmp_path / "my_model.h5").read_bytes().startswith(b"\x89HDF")
