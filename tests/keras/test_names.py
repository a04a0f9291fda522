"""Cornu's classes carry the names under which Keras's files know them; recorded by record_names.py."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import cornu.ops
import pytest
from cornu.ops.operation import find_operation
from cornu.saving.names import find_class, find_function, keras_name

RECORDED = json.loads((Path(__file__).parent / "fixtures" / "names.json").read_text())


def ours(place: str) -> Any:
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"cornu.{module}"), name, None)


SHARED = [place for place in RECORDED["classes"] if ours(place) is not None]


@pytest.mark.parametrize("place", SHARED)
def test_a_class_is_written_and_found_as_in_keras(place: str) -> None:
    module, _, name = RECORDED["classes"][place].rpartition(".")
    assert keras_name(ours(place)) == (module, name, None)
    if hasattr(ours(place), "from_config"):
        assert find_class(module, name) is ours(place)


def test_there_is_something_to_compare() -> None:
    for family in ("layers", "losses", "metrics", "optimizers", "initializers", "regularizers", "constraints"):
        assert sum(place.startswith(f"{family}.") for place in SHARED) >= 3


def test_operations_are_written_and_found_as_in_keras() -> None:
    compared = 0
    for name, module in RECORDED["operations"].items():
        try:
            operation = find_operation(name)
        except KeyError:
            continue
        assert keras_name(operation) == (module, name, name), name
        assert find_class(module, name) is operation
        compared += 1
    assert compared >= 100


def test_internal_modules_lead_to_the_public_class() -> None:
    assert find_class("keras.src.layers.core.dense", "Dense") is cornu.layers.Dense
    assert find_class("keras.src.models.functional", "Functional") is cornu.models.Functional
    assert find_class("keras.src.engine.sequential", "Sequential") is cornu.models.Sequential
    assert find_class("keras.src.optimizers.schedules.learning_rate_schedule", "CosineDecay") is (
        cornu.optimizers.schedules.CosineDecay
    )
    assert find_class("keras.layers", "system") is None
    assert find_class("os", "Dense") is None


def test_functions_are_found_by_name_alone() -> None:
    assert find_function("builtins", "mean_squared_error") is cornu.losses.mean_squared_error
    assert find_function("builtins", "relu") is cornu.activations.relu
    assert find_function("keras.activations", "softmax") is cornu.activations.softmax
    assert find_function("keras.activations", "deserialize") is None
    assert find_function("builtins", "eval") is None
    assert find_function("os", "system") is None
