"""Records models saved by real Keras, with what they predict. Needs Keras 3; run from this folder:

    KERAS_BACKEND=jax python make_fixtures.py

Each fixture is a zip archive with model.keras, model.h5 (half of which Keras cannot read again: it writes operations
such as `x * 2.0` without their module), optimizer.npz (the optimizer's variables in order) and arrays.npz: inputs `x0`,
..., outputs `y0`, ... as saved and `after0`, ... after three more steps on targets `t0`, .... Dropout draws differ
between frameworks, so models with it have no `after`.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import keras
from draw import compile_model, draw_model, targets

FOLDER = Path(__file__).parent / "fixtures"
COUNT = 36


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("model_*.zip"):
        old.unlink()
    for seed in range(COUNT):
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        record(seed)


def record(seed: int) -> None:
    model, inputs = draw_model(keras, seed)
    x = inputs if len(inputs) > 1 else inputs[0]
    wanted = targets(model.predict(x, verbose=0), seed)
    compile_model(keras, model, seed)
    if seed % 3:
        model.fit(x, wanted, epochs=2, batch_size=3, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        write(model, x, wanted, Path(folder))
        with zipfile.ZipFile(FOLDER / f"model_{seed:02}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def write(model: Any, x: Any, wanted: Any, folder: Path) -> None:
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    arrays = {**numbered("x", x), **numbered("t", wanted), **numbered("y", model.predict(x, verbose=0))}
    np.savez(folder / "optimizer.npz", **numbered("v", [v.numpy() for v in model.optimizer.variables]))
    if not any("dropout" in layer.name for layer in model.layers):
        for _ in range(3):
            model.train_on_batch(x, wanted)
        arrays.update(numbered("after", model.predict(x, verbose=0)))
    np.savez(folder / "arrays.npz", **arrays)


def numbered(prefix: str, arrays: Any) -> dict[str, np.ndarray]:
    items = arrays if isinstance(arrays, (list, tuple)) else [arrays]
    return {f"{prefix}{i}": np.asarray(item) for i, item in enumerate(items)}


if __name__ == "__main__":
    main()
