"""Every layer on drawn configurations, against what real Keras computed; recorded by record_layers.py."""

from __future__ import annotations

import inspect
import io
import json
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest
from cornu_conformance.layer_draws import DRAWS, FAMILIES
from cornu_conformance.layer_runs import close, compare, make, predictions, results

HERE = Path(__file__).parent

SEEDS = range(4)
# Layers that a draw cannot show, and where they are tested instead.
ELSEWHERE = {
    "Equalization": "tests/keras/test_augmentations.py: Keras has it in no functional model",
    "InputLayer": "every draw",
    "InputSpec": "tests/core",
    "Layer": "tests/core",
    "Wrapper": "SpectralNormalization, and tests/core",
}


@lru_cache
def recorded(family: str) -> dict[str, bytes]:
    """The files of a family's fixture."""
    with tarfile.open(HERE / "fixtures" / f"layers_{family}.tar.xz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def wanted(family: str, name: str, seed: int) -> dict[str, Any]:
    files = recorded(family)
    notes = json.loads(files[f"{name}/{seed}.json"])
    with np.load(io.BytesIO(files[f"{name}/{seed}.npz"])) as stored:
        arrays = dict(stored)
    outputs = [arrays[f"y{i}"] for i in range(len(arrays)) if f"y{i}" in arrays]
    after = [arrays[f"w{i}"] for i in range(len(arrays)) if f"w{i}" in arrays]
    found = {"config": notes["config"], "weights": notes["weights"], "outputs": outputs}
    return {**found, "after": after} if notes["trains"] else found


CASES = [
    pytest.param(family, name, seed, id=f"{name}-{seed}")
    for family, draws in FAMILIES.items()
    for name in draws
    for seed in SEEDS
]


@pytest.mark.parametrize(("family", "name", "seed"), CASES)
def test_computes_what_keras_computes(family: str, name: str, seed: int) -> None:
    with cornu.use_backend(("numpy", "onnxruntime")[seed % 2]):
        compare(results(cornu, name, seed)[1], wanted(family, name, seed))


@pytest.mark.parametrize(("family", "name", "seed"), CASES)
def test_loads_what_keras_saved(family: str, name: str, seed: int) -> None:
    with cornu.use_backend(("onnxruntime", "numpy")[seed % 2]):
        model = cornu.models.load_model(io.BytesIO(recorded(family)[f"{name}/{seed}.keras"]))
        case = make(cornu, name, seed)
        case.model = model
        close(predictions(case), wanted(family, name, seed)["outputs"], 1e-5)


def test_every_layer_is_drawn() -> None:
    layers = {
        name
        for name in cornu.layers.__all__
        if inspect.isclass(getattr(cornu.layers, name)) and getattr(cornu.layers, name).__name__ == name
    }
    assert layers == set(DRAWS) | set(ELSEWHERE)


def test_the_fixtures_are_small() -> None:
    assert sum(path.stat().st_size for path in (HERE / "fixtures").glob("layers_*")) < 2_000_000
