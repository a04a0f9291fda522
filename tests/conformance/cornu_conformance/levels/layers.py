"""Level layers: every layer of Cornu, drawn, and every layer of an installed plugin, against the reference kernels."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cornu
import numpy as np

from cornu_conformance.check import Check, require
from cornu_conformance.layer_draws import DRAWS
from cornu_conformance.layer_guesses import guess
from cornu_conformance.layer_runs import Case, embed, make, predictions, train
from cornu_conformance.reference import on_reference
from cornu_conformance.subject import Subject

SEEDS = 3
FORWARD, STEP = 2e-5, 2e-4


def generate() -> Iterator[Check]:
    """The checks `layers/<layer>/<draw>` and `layers/<plugin>><layer>`."""
    for name in DRAWS:
        for seed in range(SEEDS):
            yield Check(f"layers/{name}/{seed}", partial(_as_the_reference, partial(make, cornu, name, seed)))
    for name, cls in sorted(cornu.plugins.offers("layers").items()):
        yield Check(f"layers/{name}", partial(_of_plugin, cls))


def _guessed(cls: type) -> Case:
    cornu.utils.clear_session(free_memory=False)
    return embed(cornu, guess(cls), random.Random(cls.__name__))


def _of_plugin(cls: type, subject: Subject) -> None:
    _as_the_reference(partial(_guessed, cls), subject)
    with subject.use(), tempfile.TemporaryDirectory() as folder:
        case = _guessed(cls)
        wanted = predictions(case)
        case.model.save(Path(folder) / "model.keras")
        again = cornu.models.load_model(Path(folder) / "model.keras")
        have = predictions(Case(case.drawn, again, case.inputs, case.draw))
        _near(have, wanted, 0.0, "a model read from its file predicts other numbers")


def _as_the_reference(make_case: Callable[[], Case], subject: Subject) -> None:
    """The same outputs, and the same weights after a step of training."""
    with on_reference():
        wanted = _results(make_case())
    with subject.use():
        found = _results(make_case())
    _near(found[0], wanted[0], FORWARD, "the outputs are not those of the reference kernels")
    _near(found[1], wanted[1], STEP, "the weights after a step are not those of the reference kernels")


def _results(case: Case) -> tuple[list[np.ndarray], list[np.ndarray]]:
    outputs = predictions(case)
    return outputs, train(cornu, case, outputs) if case.drawn.trains and _all_floats(outputs) else []


def _all_floats(outputs: list[np.ndarray]) -> bool:
    return all(output.dtype.kind == "f" for output in outputs)


def _near(have: list[np.ndarray], want: list[np.ndarray], tolerance: float, what: str) -> None:
    same: Any = len(have) == len(want) and all(
        a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
        for a, b in zip(have, want, strict=True)
    )
    require(same, what, expected=want, actual=have)
