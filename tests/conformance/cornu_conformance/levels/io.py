"""Level io: models saved, loaded and exported on the backend."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cornu
import numpy as np

from cornu_conformance.bare_session import BareSession, Evaluator
from cornu_conformance.check import Check, require
from cornu_conformance.reference import on_reference
from cornu_conformance.subject import Subject
from cornu_conformance.training.jobs import JOBS, Job, wave


def generate() -> Iterator[Check]:
    """The checks `io/<what>/<job>`."""
    for job in JOBS:
        for check in (saved_here_loaded_here, saved_here_loaded_elsewhere, trained_on_from_a_file, weights, exported):
            yield Check(f"io/{check.__name__}/{job.name}", partial(_in_folder, check, job))


def _in_folder(check: Callable[[Subject, Job, Path], None], job: Job, subject: Subject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(subject, job, Path(folder))


def _trained(job: Job) -> Any:
    """The job's model after one step; its weights from formulas."""
    cornu.utils.clear_session(free_memory=False)
    model = job.model(cornu)
    for i, variable in enumerate(model.weights):
        if "variance" in variable.name:
            variable.assign(1.0 + 0.2 * wave(*variable.shape, phase=float(i)))
        else:
            variable.assign(job.weights * wave(*variable.shape, phase=float(i)))
    model.compile(**job.compile(cornu))
    _step(job, model)
    return model


def _feed(arrays: tuple[np.ndarray, ...]) -> Any:
    return list(arrays) if len(arrays) > 1 else arrays[0]


def _step(job: Job, model: Any) -> float:
    return float(model.train_on_batch(_feed(job.inputs), _feed(job.targets), return_dict=True)["loss"])


def _predicted(job: Job, model: Any) -> list[np.ndarray]:
    found = model.predict(_feed(job.inputs), verbose=0)
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _equal(have: list[np.ndarray], want: list[np.ndarray], what: str, tolerance: float) -> None:
    near = len(have) == len(want) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance)
        for a, b in zip(have, want, strict=True)
    )
    require(near, what, expected=want, actual=have)


def saved_here_loaded_here(subject: Subject, job: Job, folder: Path) -> None:
    """A model comes back from `.keras` and `.h5` with every bit of its predictions."""
    with subject.use():
        model = _trained(job)
        wanted = _predicted(job, model)
        for ending in ("keras", "h5"):
            model.save(folder / f"model.{ending}")
            again = cornu.models.load_model(folder / f"model.{ending}")
            _equal(_predicted(job, again), wanted, f"a model read from .{ending} predicts other numbers", 0.0)


def saved_here_loaded_elsewhere(subject: Subject, job: Job, folder: Path) -> None:
    """A file holds nothing of the backend: the reference reads it and predicts the same, and the other way round."""
    tolerance = max(job.tolerance / 10, 2e-5)
    with subject.use():
        model = _trained(job)
        model.save(folder / "here.keras")
        wanted = _predicted(job, model)
    with on_reference():
        again = cornu.models.load_model(folder / "here.keras")
        _equal(_predicted(job, again), wanted, "the reference predicts other numbers from the file", tolerance)
        again.save(folder / "there.keras")
    with subject.use():
        back = cornu.models.load_model(folder / "there.keras")
        _equal(_predicted(job, back), wanted, "the file that the reference wrote gives other numbers", tolerance)


def trained_on_from_a_file(subject: Subject, job: Job, folder: Path) -> None:
    """A model that was saved and loaded trains on as if it had never left, bit by bit."""
    with subject.use():
        model = _trained(job)
        model.save(folder / "model.keras")
        again = cornu.models.load_model(folder / "model.keras")
        want, have = ([np.array(_step(job, each)) for _ in range(2)] for each in (model, again))
    _equal(have, want, "the losses after loading differ from those without", 0.0)


def weights(subject: Subject, job: Job, folder: Path) -> None:
    """Weights go to a file and into another model of the same form, which forgets what it predicted before."""
    with subject.use():
        model = _trained(job)
        cornu.utils.clear_session(free_memory=False)
        other = job.model(cornu)
        _predicted(job, other), _predicted(job, other)
        model.save_weights(folder / "model.weights.h5")
        other.load_weights(folder / "model.weights.h5")
        _equal(_predicted(job, other), _predicted(job, model), "the loaded weights predict other numbers", 0.0)


def exported(subject: Subject, job: Job, folder: Path) -> None:
    """The ONNX file computes what `predict` computes, in a bare session, with another batch size too."""
    with subject.use():
        model = _trained(job)
        model.export(folder / "model.onnx", verbose=False)
        wanted = _predicted(job, model)
    session = BareSession(folder / "model.onnx") if job.bare else Evaluator(folder / "model.onnx")
    for count in (len(job.inputs[0]), 2):
        arrays = [array[:count] for array in job.inputs]
        have = session(*arrays)
        tolerance = max(job.tolerance / 10, 2e-5)
        _equal(have, [want[:count] for want in wanted], f"the exported file differs at batch size {count}", tolerance)
