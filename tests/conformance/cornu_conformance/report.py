"""What a run of the suite found: as JSON, as JUnit's XML, and as a table."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from cornu.backend.contract import CONTRACT_VERSION

from cornu_conformance.check import Outcome, Result
from cornu_conformance.subject import Subject
from cornu_conformance.suite import LEVELS

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Report:
    """The results of a run.

    Args:
        backend: The backend's name.
        device: The device; empty for the default one.
        contract: The contract that the backend was written for.
        about: The versions of what took part.
        results: One per check, and one per known failure that names no check.
        notes: What was not checked, and why.
    """

    backend: str
    device: str
    contract: str
    about: dict[str, str]
    results: Sequence[Result] = field(default_factory=list)
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, subject: Subject, results: Sequence[Result]) -> Report:
        """A report on a backend."""
        about = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
        about |= {"cornu": _version("cornu"), "numpy": _version("numpy"), "core_contract": CONTRACT_VERSION}
        describe = getattr(type(subject.backend), "describe", None)
        told = describe() if callable(describe) else {}
        about |= {"backend_version": str(told["version"])} if "version" in told else {}
        return cls(subject.name, subject.device, str(subject.backend.contract), about, results)

    def counts(self, level: str = "") -> Counter[Outcome]:
        """How many checks of a level (or of all) had each outcome."""
        return Counter(result.outcome for result in self.results if level in ("", result.level))

    @property
    def failed(self) -> int:
        """How many checks failed."""
        return self.counts()[Outcome.FAILED]

    def failures(self) -> list[Result]:
        """What failed, in order: the first is likely the cause of others."""
        return [result for result in self.results if result.outcome == Outcome.FAILED]

    def reasons(self) -> dict[str, list[str]]:
        """Why checks are known to fail, and which."""
        found: dict[str, list[str]] = {}
        for result in self.results:
            if result.outcome == Outcome.KNOWN:
                found.setdefault(result.reason, []).append(result.id)
        return found

    @property
    def levels(self) -> list[str]:
        """The levels that were run, in order, and what else results name."""
        found = dict.fromkeys(result.level for result in self.results)
        return [level for level in LEVELS if level in found] + [level for level in found if level not in LEVELS]

    def to_json(self) -> str:
        """The whole report, for programs."""
        told: dict[str, Any] = {
            "backend": self.backend,
            "device": self.device,
            "contract": self.contract,
            "about": self.about,
            "notes": list(self.notes),
            "levels": {level: {str(o): self.counts(level)[o] for o in Outcome} for level in self.levels},
            "checks": [result.as_dict() for result in self.results],
        }
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"

    def to_junit(self) -> str:
        """The report in the XML that continuous integration reads: known and refused checks are skipped ones."""
        root = ElementTree.Element("testsuites", name=f"cornu conformance {self.backend}")
        for level in self.levels:
            counts = self.counts(level)
            suite = ElementTree.SubElement(
                root,
                "testsuite",
                name=level,
                tests=str(sum(counts.values())),
                failures=str(counts[Outcome.FAILED]),
                skipped=str(counts[Outcome.KNOWN] + counts[Outcome.REFUSED]),
                errors="0",
            )
            for result in (result for result in self.results if result.level == level):
                _add_case(suite, result, self.backend)
        return str(ElementTree.tostring(root, encoding="unicode", xml_declaration=True)) + "\n"

    def table(self) -> Table:
        """The counts, levels by outcomes."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"{self.backend}, contract {self.contract}")
        table.add_column("Level", no_wrap=True)
        for outcome in Outcome:
            table.add_column(str(outcome), justify="right")
        table.add_column("seconds", justify="right")
        for level in (*self.levels, ""):
            counts = self.counts(level)
            seconds = sum(result.seconds for result in self.results if level in ("", result.level))
            cells = [_cell(outcome, counts[outcome]) for outcome in Outcome]
            if not level:
                table.add_section()
            table.add_row(level or "all", *cells, f"{seconds:.1f}")
        return table


_COLOURS = {Outcome.PASSED: "green", Outcome.REFUSED: "cyan", Outcome.KNOWN: "yellow", Outcome.FAILED: "bold red"}


def _cell(outcome: Outcome, count: int) -> str:
    return f"[{_COLOURS[outcome]}]{count}[/]" if count else "0"


def _add_case(suite: ElementTree.Element, result: Result, backend: str) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"{backend}.{result.level}", name=result.id, time=f"{result.seconds:.4f}"
    )
    if result.outcome == Outcome.FAILED:
        failure = ElementTree.SubElement(case, "failure", message=_printable(result.message.split("\n", 1)[0]))
        failure.text = _printable(str(result))
    elif result.outcome != Outcome.PASSED:
        why = result.reason or result.message
        ElementTree.SubElement(case, "skipped", message=_printable(f"{result.outcome}: {why}"))


def _printable(text: str) -> str:
    """Without the control characters that XML has no way to hold."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
