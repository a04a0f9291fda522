"""Writes spec/keras_api.md from spec/keras_api.txt and from what can be imported:
`python tests/support/describe_keras_api.py`.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_deviations import ABSENT_METHODS, ABSENT_MODULES, SIGNATURES, reason
from signatures import BASES, methods, signature

ROOT = Path(__file__).parents[2]
NAMES = ROOT / "spec" / "keras_api.txt"
PAGE = ROOT / "spec" / "keras_api.md"
RECORDED = json.loads((ROOT / "tests" / "keras" / "fixtures" / "signatures.json").read_text(encoding="utf-8"))

HEAD = """# Keras's API here

Written by `python tests/support/describe_keras_api.py`; do not edit. Of each public name of {source}
([the list](keras_api.txt)) it says whether Cornu has it: *present* with the same parameters (names, order,
defaults), as recorded from Keras {release}; *deviating*, with the reason; or *absent*.

| | names | present | deviating | absent |
|---|---:|---:|---:|---:|
"""


@dataclass
class Module:
    """The names of one of Keras's modules by what became of them; `deviating` with what differs."""

    present: list[str] = field(default_factory=list)
    deviating: dict[str, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)

    def counts(self) -> tuple[int, int, int, int]:
        """All, present, deviating, absent."""
        three = len(self.present), len(self.deviating), len(self.absent)
        return (sum(three), *three)


def keras_names() -> list[str]:
    """The dotted names of Keras's API."""
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[0] for line in lines if line and not line.startswith("#")]


def find(name: str) -> Any:
    """What Cornu has under a dotted name of Keras, or None."""
    module, _, last = name.replace("keras", "cornu", 1).rpartition(".")
    try:
        return getattr(importlib.import_module(module), last, None)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("cornu"):
            raise
        return None


def differences() -> dict[str, tuple[str, str]]:
    """Names and methods that are present with another signature: Keras's and ours."""
    found = {}
    for name in keras_names():
        ours, theirs = find(name), RECORDED["signatures"].get(name)
        if ours is not None and theirs is not None and signature(ours) != theirs:
            found[name] = (theirs, str(signature(ours)))
    for base in BASES:
        held = {} if find(f"keras.{base}") is None else methods(find(f"keras.{base}"))
        for method, theirs in RECORDED["methods"][f"keras.{base}"].items():
            if method in held and held[method] != theirs:
                found[f"keras.{base}.{method}"] = (theirs, held[method])
    return found


def absent_methods() -> list[str]:
    """Methods of Keras's base classes that ours do not have."""
    found = []
    for base in BASES:
        held = find(f"keras.{base}")
        if held is not None:
            found += [
                f"keras.{base}.{name}" for name in RECORDED["methods"][f"keras.{base}"] if not hasattr(held, name)
            ]
    return found


def modules() -> dict[str, Module]:
    """Every module with its names."""
    differing = differences()
    found: dict[str, Module] = {}
    for name in keras_names():
        module, _, last = name.rpartition(".")
        group = found.setdefault(module, Module())
        if find(name) is None:
            group.absent.append(last)
        elif name in differing:
            group.deviating[last] = _cell(name, *differing[name])
        else:
            group.present.append(last)
    return found


def _cell(name: str, theirs: str, ours: str) -> str:
    return f"{reason(SIGNATURES, name) or 'no reason given'} | `{_code(theirs)}` | `{_code(ours)}`"


def _code(text: str) -> str:
    return text.replace("|", "\\|")


def describe() -> str:
    """The page."""
    found = modules()
    source = NAMES.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(" (")[0]
    lines = [HEAD.format(source=source, release=RECORDED["keras"]).rstrip("\n")]
    totals = [sum(column) for column in zip(*(module.counts() for module in found.values()), strict=True)]
    lines.append(f"| all | {' | '.join(map(str, totals))} |")
    lines += [f"| {name} | {' | '.join(map(str, module.counts()))} |" for name, module in found.items()]
    for name, module in found.items():
        lines += _section(name, module)
    return "\n".join([*lines, *_methods(), ""])


def _section(name: str, module: Module) -> list[str]:
    lines = ["", f"## {name}"]
    if module.present:
        lines += ["", f"Present: {_names(module.present)}."]
    if module.deviating:
        lines += ["", "| deviating | reason | Keras | here |", "|---|---|---|---|"]
        lines += [f"| `{last}` | {cell} |" for last, cell in module.deviating.items()]
    if module.absent:
        why = reason({f"{key}*": text for key, text in ABSENT_MODULES.items()}, name)
        lines += ["", f"Absent{f' ({why})' if why else ''}: {_names(module.absent)}."]
    return lines


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _methods() -> list[str]:
    """What differs in the methods of base classes."""
    lines = ["", "## Methods of base classes", "", "| method | reason | Keras | here |", "|---|---|---|---|"]
    public = set(keras_names())
    for name, (theirs, ours) in differences().items():
        if name not in public:
            lines.append(f"| `{name}` | {_cell(name, theirs, ours)} |")
    lines += [
        f"| `{name}` | {reason(ABSENT_METHODS, name) or 'no reason given'} | | absent |" for name in absent_methods()
    ]
    return lines


def main() -> None:
    PAGE.write_text(describe(), encoding="utf-8")


if __name__ == "__main__":
    main()
