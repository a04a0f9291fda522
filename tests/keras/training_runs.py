"""Runs draws of `training_draws`, and compares what both frameworks gave."""

from __future__ import annotations

import json
import random
import warnings
from typing import Any

import numpy as np
from training_draws import FAMILIES

# Arguments that Keras leaves out of these configs, so that they are lost on the way through a file.
MORE_CONFIG = {"Huber": {"delta"}, "CosineSimilarity": {"axis"}, "Identity": {"gain"}}
TOLERANCE = 2e-5


def results(k: Any, family: str, name: str, seed: int) -> Any:
    """What a draw gives, as JSON data."""
    k.utils.clear_session(free_memory=False)
    draw = random.Random(f"{family} {name} {seed}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = FAMILIES[family][name](k, draw)
    return json.loads(json.dumps(found, default=k.saving.serialize_keras_object))


def compare(found: Any, wanted: Any, where: str, tolerance: float = TOLERANCE) -> None:
    """Compares results, numbers up to rounding."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), where
        more = MORE_CONFIG.get(where.split("/")[-2], set()) if where.endswith("/config") else set()
        assert set(found) - more == set(wanted), where
        for key in wanted:
            compare(found[key], wanted[key], f"{where}/{key}", tolerance)
    elif isinstance(wanted, list) and any(isinstance(item, (str, list, dict)) or item is None for item in wanted):
        assert len(found) == len(wanted), where
        for i, (left, right) in enumerate(zip(found, wanted, strict=True)):
            compare(left, right, f"{where}/{i}", tolerance)
    elif isinstance(wanted, (int, float, list)) and not isinstance(wanted, bool):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance / 5, err_msg=where)
    else:
        assert found == wanted, f"{where}: {found!r} here, {wanted!r} in Keras"


def check(found: Any, wanted: Any, family: str, name: str) -> None:
    """Compares the results of one draw."""
    if family == "initializers" and "deviation" in wanted:
        _check_distribution(found, wanted, f"{family}/{name}")
    else:
        compare(found, wanted, f"{family}/{name}")


def _check_distribution(found: Any, wanted: Any, where: str) -> None:
    """Compares two samples of one distribution: within five standard errors, and bounds that are one in all cases."""
    drawn = ("mean", "deviation", "least", "most", "levels")
    compare(*[{key: value for key, value in item.items() if key not in drawn} for item in (found, wanted)], where, 1e-4)
    count, deviation = np.prod(wanted["sizes"]), wanted["deviation"]
    error = 5 * deviation * np.sqrt(2 / count)
    np.testing.assert_allclose(found["mean"], wanted["mean"], atol=error, err_msg=f"{where}/mean")
    np.testing.assert_allclose(found["deviation"], deviation, atol=error, err_msg=f"{where}/deviation")
    # A quantile's error is greatest at the ends, where a normal distribution has a density of 0.1 per deviation.
    np.testing.assert_allclose(found["levels"], wanted["levels"], atol=2.2 * error, err_msg=f"{where}/levels")
    bounded = wanted["most"] - wanted["least"] < 5.2 * deviation
    for end in ("least", "most") if bounded else ():
        np.testing.assert_allclose(found[end], wanted[end], atol=0.03 * deviation, err_msg=f"{where}/{end}")
