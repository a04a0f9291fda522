"""`cornu conformance`: what of the contract a backend fulfils."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu_conformance import Check, Report, Result
    from rich.console import Console


class SuiteError(ValueError):
    """The suite cannot run: there is no such backend, level or check, or the suite is not installed."""


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser(
        "conformance",
        help="check a backend against the contract",
        description="Runs the conformance suite on a backend. The status is 1 if a check failed.",
    )
    parser.add_argument("name", metavar="NAME", help="an installed backend; see `cornu backends`")
    parser.add_argument("--level", action="append", default=[], metavar="L", help="a level; may be given several times")
    parser.add_argument("-k", dest="keyword", default="", metavar="EXPR", help="words with and, or, not")
    parser.add_argument("--device", default="", metavar="D", help="the device, in the backend's spelling")
    parser.add_argument("--json", type=Path, metavar="F", help="write the report as JSON")
    parser.add_argument("--junit", type=Path, metavar="F", help="write the report as JUnit XML")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Runs the checks, prints what failed and the table, and writes the reports.

    Args:
        parsed: The parsed command line.

    Raises:
        SuiteError: There is no such backend, level or check.
        BackendLoadError: The backend cannot be loaded.
    """
    from rich.console import Console

    console = Console(soft_wrap=False)
    report = _run_suite(parsed, console)
    _tell(report, console)
    if parsed.json:
        parsed.json.write_text(report.to_json(), encoding="utf-8")
    if parsed.junit:
        parsed.junit.write_text(report.to_junit(), encoding="utf-8")
    return 1 if report.failed else 0


def _run_suite(parsed: argparse.Namespace, console: Console) -> Report:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    os.environ["CORNU_CACHE"] = "off"  # what is checked is made now, and not left to anybody
    try:
        from cornu_conformance import Subject, checks, run_suite
    except ModuleNotFoundError as error:
        raise SuiteError(f"The conformance suite is not installed: {error}") from error
    try:
        subject = Subject(parsed.name, parsed.device)
        selected = checks(parsed.level, parsed.keyword)
    except ValueError as error:
        raise SuiteError(str(error)) from error
    if not selected:
        raise SuiteError(f"No check fits -k {parsed.keyword!r}.")
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(selected))

        def before(check: Check) -> None:
            progress.update(task, description=check.level)

        def after(result: Result) -> None:
            progress.advance(task)

        return run_suite(subject, parsed.level, parsed.keyword, before=before, after=after)


def _tell(report: Report, console: Console) -> None:
    for result in report.failures():
        console.rule(result.id, style="red")
        console.print(str(result), markup=False, highlight=False, soft_wrap=True)
    for reason, ids in report.reasons().items():
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        console.print(f"known: {ids[0]}{more}: {reason}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print(report.table())
    for note in report.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
