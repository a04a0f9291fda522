"""Records what real Keras makes of drawn images with fixed factors, in fixtures/augmentations.npz. Needs Keras 3:

KERAS_BACKEND=jax python record_augmentations.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import keras
from augmentation_draws import DRAWS, call

SEEDS = 6


def main() -> None:
    results = {f"{name}/{seed}": np.asarray(call(keras, name, seed)) for name in DRAWS for seed in range(SEEDS)}
    np.savez_compressed(Path(__file__).parent / "fixtures" / "augmentations.npz", **results)


if __name__ == "__main__":
    main()
