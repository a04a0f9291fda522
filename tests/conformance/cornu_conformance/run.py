"""Running checks one after the other, and what is known of a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cornu_conformance.check import Check, KnownFailures, Result
from cornu_conformance.report import Report
from cornu_conformance.subject import Subject
from cornu_conformance.suite import checks


def known_failures(subject: Subject, others: Mapping[str, str] | None = None) -> KnownFailures:
    """What a backend's class (`known_failures`, optional) and its author's tests list.

    Args:
        subject: The backend.
        others: Further known failures; they override.
    """
    return KnownFailures({**getattr(type(subject.backend), "known_failures", {}), **(others or {})})


def run_suite(
    subject: Subject,
    levels: Sequence[str] = (),
    keyword: str = "",
    known: Mapping[str, str] | None = None,
    before: Callable[[Check], None] = lambda check: None,
    after: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Runs the checks and reports.

    Args:
        subject: The backend under test.
        levels: Names of levels; none for all.
        keyword: Which checks; see `checks`.
        known: Known failures besides those that the backend's class lists.
        before: Called with each check before it runs.
        after: Called with each result.

    Raises:
        ValueError: There is no such level, or the keyword cannot be understood.

    Example:
        >>> run_suite(Subject("numpy"), ["contract"]).counts("contract")
    """
    selected = checks(levels, keyword)
    list_of_known = known_failures(subject, known)
    results = []
    for check in selected:
        before(check)
        results.append(list_of_known.judge(check.run(subject)))
        after(results[-1])
    for result in list_of_known.unmatched([check.id for check in checks()]):
        results.append(result)
        after(result)
    return Report.of(subject, results)
