"""Records what real Keras computes for drawn layers. Needs Keras 3; run from this folder:

    KERAS_BACKEND=jax python record_layers.py [FAMILY ...]

For each family of layers it writes fixtures/layers_FAMILY.tar.xz: `LAYER/SEED.keras`, saved before the training step,
`LAYER/SEED.npz` with outputs `y0`, ... and the weights after the step `w0`, ..., and `LAYER/SEED.json` with the rest.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import keras
from cornu_conformance.layer_draws import FAMILIES
from cornu_conformance.layer_runs import config, make, predictions, train

FOLDER = Path(__file__).parent / "fixtures"
SEEDS = 4


def main(families: list[str]) -> None:
    for family in families or FAMILIES:
        with tarfile.open(FOLDER / f"layers_{family}.tar.xz", "w:xz", preset=9) as archive:
            for name in FAMILIES[family]:
                for seed in range(SEEDS):
                    for ending, data in record(name, seed).items():
                        entry = tarfile.TarInfo(f"{name}/{seed}.{ending}")
                        entry.size = len(data)
                        archive.addfile(entry, io.BytesIO(data))


def record(name: str, seed: int) -> dict[str, bytes]:
    """The files of one case, by their endings."""
    case = make(keras, name, seed)
    outputs = predictions(case)
    with tempfile.TemporaryDirectory() as folder:
        case.model.save(Path(folder) / "model.keras")
        saved = (Path(folder) / "model.keras").read_bytes()
    notes: dict[str, Any] = {
        "config": config(keras, case),
        "weights": [[variable.path.rpartition("/")[2], list(variable.shape)] for variable in case.model.weights],
        "trains": case.drawn.trains,
    }
    arrays = {f"y{i}": array for i, array in enumerate(outputs)}
    if case.drawn.trains:
        arrays |= {f"w{i}": array for i, array in enumerate(train(keras, case, outputs))}
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return {"keras": saved, "npz": packed.getvalue(), "json": json.dumps(notes).encode()}


if __name__ == "__main__":
    main(sys.argv[1:])
