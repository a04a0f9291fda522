"""Records the signatures of real Keras's public names, those of spec/keras_api.txt. Needs Keras 3:

KERAS_BACKEND=jax python record_signatures.py
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import keras

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from signatures import BASES, methods, signature  # noqa: E402


def find(name: str) -> Any:
    """What a dotted name means, or None where this release does not have it."""
    module, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), last, None)
    except ModuleNotFoundError:
        return None


def main() -> None:
    lines = (ROOT / "spec" / "keras_api.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split("\t")[0] for line in lines if line and not line.startswith("#")]
    found = {name: find(name) for name in names}
    recorded = {
        "keras": keras.__version__,
        "signatures": {name: signature(value) for name, value in found.items() if callable(value)},
        "methods": {f"keras.{name}": methods(find(f"keras.{name}")) for name in BASES},
    }
    path = Path(__file__).parent / "fixtures" / "signatures.json"
    path.write_text(json.dumps(recorded, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
