"""`cornu profile`: what a script's layers and operators cost, and the Python around them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cornu.cli import run as run_command

if TYPE_CHECKING:
    from cornu.profiling import Report


class ProfileError(RuntimeError):
    """The files cannot be written."""


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser(
        "profile",
        help="run a script and show what its layers and operators cost",
        description="Runs a script as `cornu run` does, and prints time and bytes by layer and operator at its end.",
    )
    parser.add_argument(
        "--trace",
        metavar="FILE",
        type=Path,
        default=Path("profile.json"),
        help="the timeline to write, for https://ui.perfetto.dev (%(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="where to write the numbers")
    parser.add_argument(
        "--top", metavar="N", type=_count, default=20, help="how many layers and operators to show (%(default)s)"
    )
    run_command.add_script(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Runs the script and shows its profile, also when it fails; the status is the script's.

    Args:
        parsed: The parsed command line.

    Raises:
        RunError: There is no such script or backend.
        ProfileError: A file cannot be written.
    """
    from cornu.profiling import profile

    for path in (parsed.trace, parsed.json):
        if path is not None and not path.parent.is_dir():  # before the script, which may run for long
            raise ProfileError(f"There is no directory {str(path.parent)!r} to write {path.name!r} to.")
    trace, numbers = parsed.trace.absolute(), parsed.json and parsed.json.absolute()  # the script may go elsewhere
    taken = profile()
    try:
        with taken:
            return run_command.run(parsed)
    except run_command.RunError:
        taken.report = None  # nothing has run
        raise
    finally:
        if taken.report is not None:
            _show(taken.report, trace, numbers, parsed.top)


def _show(report: Report, trace: Path, numbers: Path | None, top: int) -> None:
    print(report.table(top))
    try:
        report.save_trace(trace)
        if numbers is not None:
            numbers.write_text(json.dumps(report.as_dict(), indent=1), encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"The profile cannot be written: {error}") from error
    print(f"Timeline: {trace} (open it at https://ui.perfetto.dev)")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, got {text}")
    return number
