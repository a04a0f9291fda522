"""Level training: models trained for some steps, against the numbers that real Keras got, or the reference's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from typing import Any

import cornu
import numpy as np

from cornu_conformance.check import Check, require
from cornu_conformance.reference import on_reference
from cornu_conformance.subject import Subject
from cornu_conformance.training.jobs import JOBS, Job, classes, run, wave


def generate() -> Iterator[Check]:
    """The checks `training/<job>`, and those of randomness and of moving between backends."""
    for job in JOBS:
        yield Check(f"training/{job.name}", partial(_as_recorded, job))
    yield Check("training/dropout", dropout)
    yield Check("training/moves_to_the_reference_and_back", moves)
    yield Check("training/repeats_bit_by_bit", repeats)


@cache
def recorded() -> dict[str, Any]:
    """What Keras got, by job."""
    numbers: dict[str, Any] = json.loads((files("cornu_conformance.training") / "numbers.json").read_text("utf-8"))
    return numbers


def _as_recorded(job: Job, subject: Subject) -> None:
    with subject.use():
        found = run(cornu, job)
    _near(found, recorded()[job.name], job.tolerance)


def _near(found: dict[str, Any], wanted: dict[str, Any], tolerance: float) -> None:
    for what, numbers in wanted.items():
        for i, (left, right) in enumerate(zip(_leaves(found[what]), _leaves(numbers), strict=True)):
            have, want = np.asarray(left), np.asarray(right)
            told: dict[str, Any] = {"expected": [want], "actual": [have]}
            near = have.shape == want.shape and np.allclose(have, want, rtol=tolerance, atol=tolerance)
            require(near, f"{what}, number {i}, are not what Keras got (to {tolerance})", **told)


def _leaves(numbers: Any) -> list[Any]:
    """The numbers in groups of their own: losses one by one, predictions output by output."""
    if not isinstance(numbers, list):
        return [numbers]
    return [leaf for item in numbers for leaf in (_leaves(item) if item and isinstance(item, list) else [item])]


def _model(seed: int = 0) -> Any:
    cornu.utils.clear_session(free_memory=False)
    cornu.utils.set_random_seed(seed)
    layers = cornu.layers
    model = cornu.Sequential(
        [
            cornu.Input((6, 6, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


DATA = wave(20, 6, 6, 1), classes(20, 3)


def _fitted(model: Any, epochs: int = 2) -> tuple[list[float], Any]:
    history = model.fit(*DATA, batch_size=8, epochs=epochs, verbose=0).history
    return [float(loss) for loss in history["loss"]], model.predict(DATA[0], verbose=0)


def _epoch(model: Any) -> None:
    cornu.utils.set_random_seed(1)  # of the order of samples
    model.fit(*DATA, batch_size=8, epochs=1, verbose=0)


def dropout(subject: Subject) -> None:
    """Initial weights, the order of samples and the masks of dropout are the same as the reference's."""
    with on_reference():
        wanted = _fitted(_model())
    with subject.use():
        found = _fitted(_model())
    told: dict[str, Any] = {"expected": [np.array(wanted[0]), wanted[1]], "actual": [np.array(found[0]), found[1]]}
    near = all(np.allclose(have, want, rtol=2e-3, atol=2e-3) for have, want in zip(found, wanted, strict=True))
    require(near, "a model with dropout trains to other numbers than on the reference kernels", **told)


def moves(subject: Subject) -> None:
    """A model that goes to another backend in the middle of training, and comes back, has lost nothing."""
    with subject.use():
        stayed, moved = _model(), _model()
        for model in (stayed, moved):
            _epoch(model)
    with on_reference():
        _epoch(moved)
    with subject.use():
        _epoch(stayed)
        have, want = (model.predict(DATA[0], verbose=0) for model in (moved, stayed))
    near = np.allclose(have, want, rtol=2e-3, atol=2e-3)
    require(near, "moving to the reference for an epoch changed the training", expected=[want], actual=[have])


def repeats(subject: Subject) -> None:
    """The same seed gives the same bits again."""
    with subject.use():
        first, second = _fitted(_model(seed=3)), _fitted(_model(seed=3))
    told: dict[str, Any] = {"expected": [np.array(first[0]), first[1]], "actual": [np.array(second[0]), second[1]]}
    equal = first[0] == second[0] and np.array_equal(first[1], second[1])
    require(equal, "training again from the same seed gives other bits", **told)
