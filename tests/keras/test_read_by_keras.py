"""Files written here load in a live Keras 3 and predict the same there.

Keras runs in a process of its own: the Python named by CORNU_ORACLE_PYTHON, or this one if it has Keras.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest
from draw import compile_model, draw_model, targets

pytestmark = [pytest.mark.keras, pytest.mark.slow]

SEEDS = range(100, 136)

READER = """
import json, sys
from pathlib import Path
import numpy as np
import keras

sys.path.insert(0, sys.argv[2])
import draw

draw.register(keras)
folder = Path(sys.argv[1])
report = {}
for path in sorted(folder.glob("model_*")):
    if path.suffix == ".npz":
        continue
    with np.load(folder / (path.stem + ".npz")) as stored:
        arrays = dict(stored)
    x = [arrays[f"x{i}"] for i in range(len(arrays)) if f"x{i}" in arrays]
    try:
        model = keras.models.load_model(path)
        found = model.predict(x if len(x) > 1 else x[0], verbose=0)
        found = found if isinstance(found, list) else [found]
        report[path.name] = {
            "outputs": [item.tolist() for item in found],
            "optimizer": [variable.numpy().tolist() for variable in model.optimizer.variables],
            "names": [layer.name for layer in model.layers],
        }
    except Exception as error:
        report[path.name] = {"error": f"{type(error).__name__}: {error}"}
(folder / "report.json").write_text(json.dumps(report))
"""


def oracle() -> str:
    """A Python that has Keras 3."""
    python = os.environ.get("CORNU_ORACLE_PYTHON")
    if python:
        return python
    if importlib.util.find_spec("keras") is None:
        pytest.skip("no Keras: set CORNU_ORACLE_PYTHON to a Python that has it")
    return sys.executable


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with models drawn and saved by Cornu, and what Keras reports about them."""
    folder = tmp_path_factory.mktemp("written")
    for seed in SEEDS:
        write(seed, folder)
    environment = {**os.environ, "KERAS_BACKEND": os.environ.get("CORNU_ORACLE_BACKEND", "jax"), "PYTHONPATH": ""}
    command = [oracle(), "-c", READER, str(folder), str(Path(__file__).parent)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return folder, json.loads((folder / "report.json").read_text())


def write(seed: int, folder: Path) -> None:
    cornu.utils.set_random_seed(seed)
    model, inputs = draw_model(cornu, seed)
    x = inputs if len(inputs) > 1 else inputs[0]
    compile_model(cornu, model, seed)
    if seed % 3:
        model.fit(x, targets(model.predict(x, verbose=0), seed), epochs=2, batch_size=3, verbose=0)
    outputs = model.predict(x, verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    arrays = {f"x{i}": item for i, item in enumerate(inputs)} | {f"y{i}": item for i, item in enumerate(outputs)}
    arrays |= {f"v{i}": variable.numpy() for i, variable in enumerate(model.optimizer.variables)}
    np.savez(folder / f"model_{seed}.npz", **arrays)
    model.save(folder / f"model_{seed}.keras")
    model.save(folder / f"model_{seed}.h5")


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("seed", SEEDS)
def test_keras_predicts_the_same(written: Any, seed: int, ending: str) -> None:
    folder, report = written
    found = report[f"model_{seed}.{ending}"]
    assert "error" not in found, found["error"]
    with np.load(folder / f"model_{seed}.npz") as arrays:
        for i, output in enumerate(found["outputs"]):
            np.testing.assert_allclose(np.array(output, "float32"), arrays[f"y{i}"], rtol=1e-5, atol=1e-5)
        stored = [arrays[f"v{i}"] for i in range(len(arrays.files)) if f"v{i}" in arrays.files]
    if ending == "h5":
        return  # Keras 3.15 builds the optimizer of an .h5 file without slots, and then cannot set its own files' state
    if np.any(stored[0]):  # before its first step an optimizer has no slots
        assert len(found["optimizer"]) == len(stored)
    for variable, array in zip(found["optimizer"], stored, strict=False):
        np.testing.assert_allclose(np.array(variable, "float32"), array, rtol=1e-6)
