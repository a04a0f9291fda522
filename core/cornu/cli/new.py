"""`cornu new`: a complete starter for a backend or a plugin of layers, whose own tests pass as written."""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

KINDS = {"backend": "a backend", "layers": "a plugin of layers"}


class NewError(ValueError):
    """A starter cannot be written: the name or the folder will not do."""


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser(
        "new",
        help="write a starter for a backend or a plugin of layers",
        description="Writes the folder cornu-NAME: a distribution that can be installed and published as it is.",
    )
    parser.add_argument("kind", choices=KINDS, help="what it is to be")
    parser.add_argument("name", metavar="NAME", help="letters, digits and single hyphens, such as my-runtime")
    parser.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="the folder to write it into")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Writes the starter and says what to do next.

    Args:
        parsed: The parsed command line.

    Raises:
        NewError: The name is no name for a distribution, or the folder is there already.
    """
    folder = write_starter(parsed.kind, parsed.name, parsed.into)
    print(f"Wrote {KINDS[parsed.kind]} to {folder}. Next:\n\n    cd {folder}\n    pip install -e .\n    pytest\n")
    return 0


def write_starter(kind: str, name: str, into: Path) -> Path:
    """Writes the folder `cornu-NAME`; all of it, or nothing.

    Args:
        kind: "backend" or "layers".
        name: What distribution, package and entry point are named after.
        into: The folder that it is written into.

    Returns:
        The new folder.

    Raises:
        NewError: The name is no name for a distribution, or the folder is there already.

    Example:
        >>> write_starter("backend", "my-runtime", Path("here"))  # doctest: +SKIP
        PosixPath('here/cornu-my-runtime')
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise NewError(f"{name!r} is no name for a distribution: use lower-case letters, digits and single hyphens.")
    target = into / f"cornu-{name}"
    if target.exists():
        raise NewError(f"{target} is there already; nothing was written.")
    words = {
        "NAME": name,
        "PACKAGE": f"cornu_{name.replace('-', '_')}",
        "CLASS": "".join(part.capitalize() for part in name.split("-")),
        "CONTRACT": _contract(),
    }
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as draft, as_file(files("cornu.cli") / "starters" / kind) as source:
        made = Path(draft) / target.name
        for path in sorted(source.rglob("*.txt")):
            place = made / _filled(str(path.relative_to(source).with_suffix("")), words)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(_filled(path.read_text(encoding="utf-8"), words), encoding="utf-8")
        shutil.move(made, target)
    return target


def _contract() -> str:
    from cornu.backend.contract import CONTRACT_VERSION

    return CONTRACT_VERSION


def _filled(text: str, words: dict[str, str]) -> str:
    """The text with its words in capitals between braces, as in `{{NAME}}`, replaced; in paths without braces."""
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    return re.sub(r"\bPACKAGE\b", words["PACKAGE"], text) if "\n" not in text else text
