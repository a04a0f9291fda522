"""Records what real Keras gets for the jobs of the conformance suite's training level. Needs Keras 3; run:

KERAS_BACKEND=jax python tests/keras/record_conformance.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
from cornu_conformance.training.jobs import JOBS, run

PAGE = Path(__file__).parents[1] / "conformance" / "cornu_conformance" / "training" / "numbers.json"


def rounded(value: Any) -> Any:
    """Numbers to seven digits."""
    return [rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.7g}")


if __name__ == "__main__":
    found = {job.name: {key: rounded(value) for key, value in run(keras, job).items()} for job in JOBS}
    PAGE.write_text(json.dumps(found) + "\n", encoding="utf-8")
