"""`cornu export`: a saved model as an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


class ExportCommandError(ValueError):
    """The model cannot be read or exported as asked."""


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser(
        "export",
        help="write a saved model as an ONNX file",
        description="Writes a saved model (.keras, .h5) as an ONNX file, after comparing their numbers.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras or .h5 file")
    parser.add_argument("output", type=Path, metavar="OUT", help="the ONNX file")
    parser.add_argument("--opset", type=int, metavar="N", help="the version of the standard operators, 17 or later")
    parser.add_argument(
        "--dynamic",
        action="append",
        default=[],
        metavar="INPUT:AXIS=NAME",
        help="a size that stays open beside those that the model leaves open; may be given several times",
    )
    parser.add_argument("--kind", choices=("predict", "train_step"), default="predict", help="what is written")
    parser.add_argument("--fold-batch-normalization", action="store_true", help="make it part of the weights before it")
    parser.add_argument("--external-data", action="store_true", help="keep the weights in a file beside the model's")
    parser.add_argument("--quantize", choices=("dynamic",), help="8-bit weights")
    parser.add_argument("--no-verify", action="store_true", help="do not compare the file's numbers with the model's")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Loads the model and exports it.

    Args:
        parsed: The parsed command line.

    Raises:
        ExportCommandError: The model cannot be read, an argument does not fit it, or the file cannot be written.
    """
    from cornu.models import load_model

    try:
        model = load_model(parsed.model, compile=parsed.kind == "train_step")
        model.export(
            parsed.output,
            opset_version=parsed.opset,
            dynamic_shapes=dynamic_shapes(parsed.dynamic) or None,
            verify=not parsed.no_verify,
            kind=parsed.kind,
            fold_batch_normalization=parsed.fold_batch_normalization,
            external_data=True if parsed.external_data else None,
            quantize=parsed.quantize,
        )
    except (OSError, TypeError, ValueError) as error:
        raise ExportCommandError(str(error)) from error
    return 0


def dynamic_shapes(given: list[str]) -> dict[str, dict[int, str]]:
    """From `image:1=height` to `{"image": {1: "height"}}`.

    Raises:
        ValueError: Something is of another form.
    """
    found: dict[str, dict[int, str]] = {}
    for text in given:
        place, equals, name = text.rpartition("=")
        tensor, colon, axis = place.rpartition(":")
        if not (equals and colon and tensor and axis.lstrip("-").isdigit()):
            raise ValueError(f"--dynamic takes INPUT:AXIS=NAME, such as image:1=height, got {text!r}.")
        found.setdefault(tensor, {})[int(axis)] = name
    return found
