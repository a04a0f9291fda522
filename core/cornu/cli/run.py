"""`cornu run`: a script that was written for Keras or tf.keras, unmodified."""

from __future__ import annotations

import argparse
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any


class RunError(RuntimeError):
    """The script or the backend to run it on is not there."""


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser(
        "run",
        help="run a Keras script unmodified",
        description="Runs a script in which `import keras` and `tensorflow.keras` mean Cornu.",
    )
    add_script(parser)
    parser.set_defaults(run=run)


def add_script(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of a command that runs a script."""
    parser.add_argument("--backend", metavar="NAME", help="the backend to run on; by default the configured one")
    parser.add_argument("script", type=Path, help="a Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the script gets as sys.argv")


def run(parsed: argparse.Namespace) -> int:
    """Runs the script; the status is the script's.

    Args:
        parsed: The parsed command line.

    Raises:
        RunError: There is no such script or backend.
    """
    from cornu import alias

    if not parsed.script.is_file():
        raise RunError(f"There is no script {str(parsed.script)!r}.")
    if parsed.backend:
        _choose(parsed.backend)
    with alias.active(), _as_main(parsed.script, parsed.arguments):
        try:
            runpy.run_path(str(parsed.script), run_name="__main__")
        except Exception as error:
            traceback.print_exception(type(error), error, _from_script(error.__traceback__, str(parsed.script)))
            return 1
    return 0


def _choose(backend: str) -> None:
    from cornu.backend import config

    try:
        config.set_backend(backend)
    except ValueError as error:
        raise RunError(str(error)) from error


@contextmanager
def _as_main(script: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Within it, sys.argv and sys.path are what `python script.py` makes them."""
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        yield
    finally:
        sys.argv = argv
        sys.path[:] = path


def _from_script(trace: TracebackType | None, script: str) -> TracebackType | None:
    """A traceback without the frames that led to the script; whole where it is not in it, as for a syntax error."""
    frame = trace
    while frame is not None and frame.tb_frame.f_code.co_filename != script:
        frame = frame.tb_next
    return frame or trace
