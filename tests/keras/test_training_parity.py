"""Masked losses, means and the names of logs, against numbers recorded from real Keras."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cornu
import pytest
from training_cases import cases
from training_runs import compare

RECORDED = json.loads((Path(__file__).parent / "fixtures" / "training.json").read_text())["cases"]


@pytest.mark.parametrize(("name", "run"), [pytest.param(name, run, id=name) for name, run in cases()])
def test_is_as_in_keras(name: str, run: Callable[[Any], Any]) -> None:
    with cornu.use_backend("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = json.loads(json.dumps(run(cornu)))
    compare(found, RECORDED[name], name)


def test_every_recorded_case_is_run() -> None:
    assert {name for name, _ in cases()} == set(RECORDED)
