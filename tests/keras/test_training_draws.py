"""What trains and initializes, on drawn arguments, against what real Keras computed.

Recorded by record_training_draws.py.
"""

from __future__ import annotations

import inspect
import json
import lzma
from functools import lru_cache
from pathlib import Path
from typing import Any

import cornu
import pytest
from training_draws import FAMILIES
from training_draws.activations import DIFFERENT
from training_runs import check, results

FOLDER = Path(__file__).parent / "fixtures"
SEEDS = range(6)
# Bases, and what is tested elsewhere.
ELSEWHERE = {
    "activations": {"deserialize", "get", "serialize", *DIFFERENT},
    "constraints": {"Constraint"},
    "initializers": {"Initializer", "RandomInitializer"},
    "losses": {"Loss", "LossFunctionWrapper"},
    "metrics": {"MeanMetricWrapper", "Metric"},
    "optimizers": {"MultiOptimizer", "Optimizer", "OptimizerMap"},
    "regularizers": {"Regularizer"},
    "schedules": {"LearningRateSchedule"},
}
CASES = [(family, name, seed) for family, draws in FAMILIES.items() for name in draws for seed in SEEDS]


@lru_cache
def recorded(family: str) -> dict[str, Any]:
    """What Keras gave, by name and seed."""
    found: dict[str, Any] = json.loads(lzma.decompress((FOLDER / f"training_{family}.json.xz").read_bytes()))
    return found


@pytest.mark.parametrize(("family", "name", "seed"), CASES)
def test_is_as_in_keras(family: str, name: str, seed: int) -> None:
    with cornu.use_backend(("numpy", "onnxruntime")[seed % 2]):
        found = results(cornu, family, name, seed)
    check(found, recorded(family)[f"{name}/{seed}"], family, name)


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_drawn(family: str) -> None:
    module = cornu.optimizers.schedules if family == "schedules" else getattr(cornu, family)
    wanted = inspect.isfunction if family == "activations" else inspect.isclass
    names = {getattr(module, name).__name__ for name in module.__all__ if wanted(getattr(module, name))}
    drawn = {getattr(module, name).__name__ for name in FAMILIES[family]}
    assert names - ELSEWHERE[family] == drawn
    assert set(recorded(family)) == {f"{name}/{seed}" for name in FAMILIES[family] for seed in SEEDS}


def test_the_fixtures_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("training_*.json.xz")) < 500_000
