"""The command `cornu`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cornu.cli import backends, conformance, export, new, plugins, profile, quickstart, run

_COMMANDS = (run, profile, export, backends, plugins, conformance, new, quickstart)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status.

    Args:
        arguments: The words after `cornu`; `None` takes those of the process.

    Example:
        >>> main(["backends"])
        0
    """
    parser = argparse.ArgumentParser("cornu", description="A Keras-3-compatible framework with plugin backends.")
    parser.add_argument("--version", action="store_true", help="show the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="")
    for command in _COMMANDS:
        command.add_parser(commands)
    parsed = parser.parse_args(arguments)
    if parsed.version:
        print(f"cornu {_version()}")
        return 0
    if not hasattr(parsed, "run"):
        parser.print_help()
        return 0
    try:
        return int(parsed.run(parsed))
    except _expected() as error:  # what a user can mend needs no traceback
        print(f"cornu: {error}", *getattr(error, "__notes__", []), sep="\n  ", file=sys.stderr)
        return 2


def _expected() -> tuple[type[BaseException], ...]:
    from cornu.backend.manager import BackendLoadError
    from cornu.cli.conformance import SuiteError
    from cornu.cli.export import ExportCommandError
    from cornu.cli.new import NewError
    from cornu.cli.profile import ProfileError
    from cornu.cli.quickstart import QuickstartError
    from cornu.cli.run import RunError
    from cornu.plugins.switch import SwitchError

    return (
        BackendLoadError, SuiteError, ExportCommandError, NewError, ProfileError, QuickstartError, RunError,
        SwitchError,
    )  # fmt: skip


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cornu")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "(not installed)"
