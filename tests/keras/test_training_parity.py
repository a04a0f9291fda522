"""Losses, metrics, optimizers, schedules and the names of logs, against numbers recorded from real Keras."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest
from training_cases import cases

HERE = Path(__file__).parent

RECORDED = json.loads((HERE / "fixtures" / "training.json").read_text())["cases"]
# Arguments that Keras leaves out of these configs, so that they are lost on the way through a file.
EXTRA_CONFIG = {"Huber": {"delta"}, "CosineSimilarity": {"axis"}}
# Standard deviations of 200,000 numbers, rounded.
TOLERANCE = {"initializers": 3e-3}


@pytest.fixture(autouse=True, scope="module")
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


def _compare(got: Any, want: Any, where: str, tolerance: float) -> None:
    if isinstance(want, dict):
        assert isinstance(got, dict), where
        extra = EXTRA_CONFIG.get(where.split("_")[-1].split("/")[0], set()) if where.endswith("/config") else set()
        assert set(got) - extra == set(want), where
        for key in want:
            if key != "label_weights":
                _compare(got[key], want[key], f"{where}/{key}", tolerance)
    elif isinstance(want, list) and any(isinstance(item, (str, list)) for item in want):
        assert len(got) == len(want), where
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            _compare(g, w, f"{where}/{i}", tolerance)
    elif isinstance(want, (int, float, list)) and not isinstance(want, bool):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance / 5, err_msg=where)
    else:
        assert got == want, where


@pytest.mark.parametrize(("name", "run"), [pytest.param(name, run, id=name) for name, run in cases()])
def test_is_as_in_keras(name: str, run: Callable[[Any], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = json.loads(json.dumps(run(cornu)))
    _compare(got, RECORDED[name], name, TOLERANCE.get(name, 2e-5))


def test_every_recorded_case_is_run() -> None:
    assert {name for name, _ in cases()} == set(RECORDED)
