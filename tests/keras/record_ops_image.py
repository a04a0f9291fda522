"""Records what real Keras computes for drawn calls of `keras.ops.image`, in fixtures/ops_image.npz. Needs Keras 3:

KERAS_BACKEND=jax python record_ops_image.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import keras
from image_draws import DRAWS, call

SEEDS = 8


def main() -> None:
    results = {
        f"{name}/{seed}": np.asarray(call(keras.ops.image, name, seed)) for name in DRAWS for seed in range(SEEDS)
    }
    np.savez_compressed(Path(__file__).parent / "fixtures" / "ops_image.npz", **results)


if __name__ == "__main__":
    main()
