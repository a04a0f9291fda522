"""Runs a drawn layer in a small model: what it predicts, and what one training step makes of the weights."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np

from cornu_conformance.layer_draws import DRAWS, Drawn
from cornu_conformance.layer_draws.drawn import floats


@dataclass
class Case:
    """A model around one drawn layer, and the arrays that it is fed with."""

    drawn: Drawn
    model: Any
    inputs: list[np.ndarray]
    draw: random.Random

    @property
    def fed(self) -> Any:
        """The inputs as `predict` takes them."""
        return self.inputs if len(self.inputs) > 1 else self.inputs[0]


def make(k: Any, name: str, seed: int) -> Case:
    """Draws a layer and embeds it.

    Args:
        k: `keras` or `cornu`.
        name: A name of `DRAWS`.
        seed: The same seed makes the same case for both.
    """
    k.utils.clear_session(free_memory=False)
    draw = random.Random(f"{name} {seed}")
    return embed(k, DRAWS[name](k, draw), draw)


def embed(k: Any, drawn: Drawn, draw: random.Random) -> Case:
    """Puts a layer into a functional model and sets all weights.

    Args:
        k: `keras` or `cornu`.
        drawn: The layer and how it is called.
        draw: What the weights are drawn from.
    """
    inputs: list[Any] = []
    arrays: list[np.ndarray] = []

    def enter(value: Any, projects: bool) -> Any:
        if isinstance(value, list):
            return [enter(item, projects) for item in value]
        if not isinstance(value, np.ndarray):
            return value
        arrays.append(value)
        inputs.append(k.Input(value.shape[1:], dtype=str(value.dtype)))
        floating = value.dtype == np.float32 and value.ndim > 1
        return k.layers.Dense(value.shape[-1])(inputs[-1]) if projects and floating else inputs[-1]

    args = [enter(value, drawn.projects) for value in drawn.args]
    kwargs = {key: enter(value, False) for key, value in drawn.kwargs.items()}
    model = k.Model(inputs if len(inputs) > 1 else inputs[0], drawn.layer(*args, **kwargs))
    for variable in model.weights:
        if "float" in str(variable.dtype):
            values = floats(draw, *variable.shape, scale=0.5)
            variable.assign(np.abs(values) + 0.5 if variable.name.endswith(("variance", "stddev")) else values)
    return Case(drawn, model, arrays, draw)


def predictions(case: Case) -> list[np.ndarray]:
    """What the model predicts, output by output."""
    found = case.model.predict(case.fed, verbose=0)
    return [np.asarray(item) for item in (found if isinstance(found, (list, tuple)) else [found])]


def train(k: Any, case: Case, outputs: list[np.ndarray]) -> list[np.ndarray]:
    """The weights after one step of gradient descent with rate 1: what they lost is their gradient."""
    targets = [floats(case.draw, *output.shape) for output in outputs]
    case.model.compile(k.optimizers.SGD(1.0), loss="mse")
    case.model.train_on_batch(case.fed, targets if len(targets) > 1 else targets[0])
    return [variable.numpy() for variable in case.model.weights]


def config(k: Any, case: Case) -> Any:
    """The layer's config as JSON data, without what only says how it was written."""
    return _plain(json.loads(json.dumps(k.saving.serialize_keras_object(case.drawn.layer))))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key not in ("shared_object_id", "build_config")}
    return value


def _differences(found: Any, wanted: Any, where: str = "config") -> Iterator[str]:
    """Where two configs differ, numbers up to rounding."""
    if isinstance(found, dict) and isinstance(wanted, dict) and set(found) == set(wanted):
        for key in found:
            yield from _differences(found[key], wanted[key], f"{where}/{key}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for i, (left, right) in enumerate(zip(found, wanted, strict=True)):
            yield from _differences(left, right, f"{where}/{i}")
    elif not (found == wanted or (isinstance(found, float) and isclose(found, wanted, rel_tol=1e-6))):
        yield f"{where}: {found!r} here, {wanted!r} in Keras"


def results(k: Any, name: str, seed: int) -> tuple[Case, dict[str, Any]]:
    """A case and all that is compared: config, names of the weights, predictions, and the weights after a step."""
    case = make(k, name, seed)
    found: dict[str, Any] = {
        "config": config(k, case),
        "weights": [[variable.path.rpartition("/")[2], list(variable.shape)] for variable in case.model.weights],
        "outputs": predictions(case),
    }
    if case.drawn.trains:
        found["after"] = train(k, case, found["outputs"])
    return case, found


def compare(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compares results: forward to 1e-5, the step to 1e-4."""
    assert list(_differences(found["config"], wanted["config"])) == []
    assert found["weights"] == wanted["weights"]
    close(found["outputs"], wanted["outputs"], 1e-5)
    assert ("after" in found) == ("after" in wanted)
    close(found.get("after", []), wanted.get("after", []), 1e-4)


def close(found: list[np.ndarray], wanted: list[np.ndarray], tolerance: float) -> None:
    """Compares arrays one by one: shapes, kinds of dtypes and values."""
    assert [(array.shape, array.dtype.kind) for array in found] == [(array.shape, array.dtype.kind) for array in wanted]
    for left, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)
