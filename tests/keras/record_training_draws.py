"""Records what real Keras gives for the draws of `training_draws`. Needs Keras 3 and jax; run from this folder:

    KERAS_BACKEND=jax python record_training_draws.py [FAMILY ...]

For each family it writes fixtures/training_FAMILY.json.xz: the results by name and seed.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import keras
from training_draws import FAMILIES
from training_runs import results

FOLDER = Path(__file__).parent / "fixtures"
SEEDS = 6


def main(families: list[str]) -> None:
    for family in families or FAMILIES:
        found = {
            f"{name}/{seed}": results(keras, family, name, seed) for name in FAMILIES[family] for seed in range(SEEDS)
        }
        path = FOLDER / f"training_{family}.json.xz"
        path.write_bytes(lzma.compress(json.dumps(found, separators=(",", ":")).encode(), preset=9))
        print(family, path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(sys.argv[1:])
