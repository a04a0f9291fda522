"""The suite as a pytest class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from cornu_conformance.check import Check, Outcome
from cornu_conformance.run import known_failures
from cornu_conformance.subject import Subject
from cornu_conformance.suite import checks


class BackendConformance:
    """Every check as a test. Derive a class whose name begins with `Test`, and name the backend.

    A check that is properly refused passes, with the outcome among its properties; a known failure is an expected one
    (`xfail`). It is strict: a known failure that passes is an error, and so is one that names no check.

    Attributes:
        backend: The name that the backend is installed or registered under.
        device: The device to run on, in the backend's spelling; empty for its default.
        options: Options of the backend.
        known_failures: From a check's id, or a pattern with `*`, to the reason, besides those that the backend's class
            lists.
        levels: Names of levels; none for all.
        select: Which checks, as an expression of words; see `cornu_conformance.checks`.

    Example:
        >>> class TestToy(BackendConformance):
        ...     backend = "toy"
        ...     known_failures = {"ops/Softplus/edges/float32": "overflows above 88, vendor bug 123"}
    """

    backend: ClassVar[str] = ""
    device: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = {}
    known_failures: ClassVar[Mapping[str, str]] = {}
    levels: ClassVar[Sequence[str]] = ()
    select: ClassVar[str] = ""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Makes one test of each check."""
        if "conformance_check" in metafunc.fixturenames:
            selected = checks(self.levels, self.select)
            metafunc.parametrize("conformance_check", selected, ids=[check.id for check in selected])

    def subject(self) -> Subject:
        """The backend under test."""
        if not self.backend:
            raise ValueError(f'{type(self).__name__} must name its backend: `backend = "toy"`.')
        return Subject(self.backend, self.device, **self.options)

    def test_check(self, conformance_check: Check, record_property: Callable[[str, object], None]) -> None:
        """One check."""
        subject = self.subject()
        result = known_failures(subject, self.known_failures).judge(conformance_check.run(subject))
        record_property("outcome", str(result.outcome))
        if result.outcome == Outcome.KNOWN:
            pytest.xfail(result.reason)
        if result.outcome == Outcome.FAILED:
            pytest.fail(str(result), pytrace=False)

    def test_known_failures_name_checks(self) -> None:
        """A known failure that names no check is an error: it hides nothing, or something was renamed."""
        wrong = known_failures(self.subject(), self.known_failures).unmatched([check.id for check in checks()])
        if wrong:
            pytest.fail("\n".join(map(str, wrong)), pytrace=False)
