"""Runs the suite on mutants, each until the first check that it fails."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cornu.backend.manager import register_backend, unregister_backend
from cornu_conformance import Check, Outcome, Subject, checks

NAME = "mutant"


@dataclass(frozen=True)
class Verdict:
    """What the suite made of a mutant.

    Args:
        mutant: Where it lies and how.
        killer: The first check that failed; empty if none did.
        seconds: How long that took.
    """

    mutant: str
    killer: str
    seconds: float


def judge(mutant: str, backend: Any, selected: Iterable[Check]) -> Verdict:
    """Runs checks on a lying backend until one fails.

    Args:
        mutant: Its name in the report.
        backend: The instance.
        selected: The checks, the likely killers first.
    """
    begin = time.perf_counter()

    class Mutant:
        contract, priority = backend.contract, backend.priority

        def __getattr__(self, name: str) -> Any:
            return getattr(backend, name)

    register_backend(NAME, Mutant)
    try:
        subject = Subject(NAME)
        killer = next((check.id for check in selected if check.run(subject).outcome == Outcome.FAILED), "")
    finally:
        unregister_backend(NAME)
    return Verdict(mutant, killer, time.perf_counter() - begin)


def ordered_for(op: str, everything: list[Check] | None = None) -> Iterator[Check]:
    """The checks of all levels of programs, those of a primitive first."""
    everything = checks(["ops", "graphs", "gradients", "contract"]) if everything is None else everything
    own = [check for check in everything if check.id.split("/")[1] == op]
    yield from own
    names = {check.id for check in own}
    for level in ("graphs", "contract", "gradients", "ops"):
        yield from (check for check in everything if check.id not in names and check.level == level)
