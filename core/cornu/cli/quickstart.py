"""`cornu quickstart`: the whole way of a model on real data, from training to an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DEFAULT_EPOCHS = 4


class QuickstartError(RuntimeError):
    """A promise that the quickstart makes was not kept, or it was called wrongly; the message says which."""


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser("quickstart", help="train a classifier of handwritten digits and export it")
    parser.add_argument("--backend", metavar="NAME", help="the backend to train on; by default the configured one")
    parser.add_argument("--epochs", type=_positive, default=DEFAULT_EPOCHS, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--output", type=Path, default=Path("quickstart"), metavar="DIR", help="where files go; default ./%(default)s"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Runs the job; the status is 0 if every check holds.

    Args:
        parsed: The parsed command line.

    Raises:
        QuickstartError: The backend is unknown, or a check does not hold.
    """
    from cornu.backend import config

    try:
        if parsed.backend:
            config.set_backend(parsed.backend)
        name = config.backend()
    except ValueError as error:
        raise QuickstartError("\n  ".join([str(error), *getattr(error, "__notes__", [])])) from error

    from cornu.cli.digits_job import run_job

    run_job(name, epochs=parsed.epochs, output=parsed.output, seed=parsed.seed)
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value
