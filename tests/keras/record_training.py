"""Records what real Keras gives for `training_cases`: run with Keras installed and KERAS_BACKEND=jax.

KERAS_BACKEND=jax python tests/keras/record_training.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
from training_cases import run_all


def _plain(value: Any) -> Any:
    return keras.saving.serialize_keras_object(value)


if __name__ == "__main__":
    results = {"keras": keras.__version__, "backend": keras.backend.backend(), "cases": run_all(keras)}
    text = json.dumps(results, default=_plain, separators=(",", ":"))
    path = Path(__file__).parent / "fixtures" / "training.json"
    path.write_text(text.replace('},"', '},\n"') + "\n")
    print(len(text) // 1000, "kB")
