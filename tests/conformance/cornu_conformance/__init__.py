"""Checks of backends: what the contract promises, generated once and run by pytest or by `cornu conformance`.

Example:
    >>> from cornu_conformance import BackendConformance
    >>> class TestToy(BackendConformance):
    ...     backend = "toy"
    ...     known_failures = {"ops/Softplus/edges/float32": "overflows above 88, vendor bug 123"}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu_conformance.backend_conformance import BackendConformance
    from cornu_conformance.check import Check, ConformanceError, Example, Outcome, Result
    from cornu_conformance.report import Report
    from cornu_conformance.run import run_suite
    from cornu_conformance.subject import Subject
    from cornu_conformance.suite import LEVELS, checks, find_check

__all__ = [
    "LEVELS",
    "BackendConformance",
    "Check",
    "ConformanceError",
    "Example",
    "Outcome",
    "Report",
    "Result",
    "Subject",
    "checks",
    "find_check",
    "run_suite",
]

_HOMES = {
    "backend_conformance": ("BackendConformance",),
    "check": ("Check", "Example", "ConformanceError", "Outcome", "Result"),
    "report": ("Report",),
    "run": ("run_suite",),
    "subject": ("Subject",),
    "suite": ("LEVELS", "checks", "find_check"),
}


def __getattr__(name: str) -> Any:
    # On demand: the cases need no pytest, and the command line neither.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"cornu_conformance.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
