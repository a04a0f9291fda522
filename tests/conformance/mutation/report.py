"""All mutants judged, as numbers and as the chapter of spec/conformance.md that they fill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cornu_conformance import Check, Subject, checks
from cornu_conformance.reference import ReferenceBackend
from cornu_conformance.run import known_failures

from mutation.fresh import fresh_lies
from mutation.lies import Lie, lies
from mutation.operators import kernel_mutants
from mutation.profiles import profile_lies
from mutation.survey import Verdict, judge, ordered_for
from mutation.survivors import SURVIVORS

PAGE = Path(__file__).parents[3] / "spec" / "conformance.md"
MARK = "<!-- what follows is written by `python -m mutation` in tests/conformance -->"
BASES = ("numpy", "onnxruntime")


def kernel_verdicts(places: Sequence[int] | None = None) -> Iterator[tuple[str, Verdict]]:
    """Each wrong kernel: what is wrong, and the verdict.

    Args:
        places: Which of them, by their numbers; None for all.
    """
    everything = checks(["ops", "graphs", "gradients", "contract"])
    mutants = list(kernel_mutants())
    for op, what, kernel in mutants if places is None else [mutants[i] for i in places]:
        yield what, judge(f"{op}: {what}", ReferenceBackend({op: kernel}), ordered_for(op, everything))


def lie_verdicts(base: str, kinds: Iterator[type[Lie]]) -> Iterator[tuple[str, Verdict]]:
    """Each lie of an executor or a buffer in front of a backend: which, and the verdict."""
    selected = honest_checks(base)
    for lie in kinds:
        yield lie.__name__, judge(f"{base}: {lie.__name__}", lie(base), selected)


def all_lies(base: str) -> Iterator[type[Lie]]:
    """The lies that can be told in front of a backend."""
    yield from lies(arrays=base == "numpy")
    yield from profile_lies()


def honest_checks(base: str) -> list[Check]:
    """The checks that the backend itself passes, the levels that lies show in first."""
    known = known_failures(Subject(base))
    ordered = [check for level in ("contract", "graphs", "ops", "gradients") for check in checks([level])]
    return [check for check in ordered if not known.reason(check.id)]


def all_verdicts() -> dict[str, list[tuple[str, Verdict]]]:
    """Every mutant judged, by group."""
    return {
        "wrong kernels": list(kernel_verdicts()),
        **{f"lies in front of {base}": list(lie_verdicts(base, all_lies(base))) for base in BASES},
        "fresh lies": list(lie_verdicts("numpy", fresh_lies())),
    }


def chapter(groups: dict[str, list[tuple[str, Verdict]]]) -> str:
    """The tables."""
    lines = [MARK, "", "| mutants | caught | of | |", "|---|---:|---:|---:|"]
    for group, verdicts in groups.items():
        lines.append(_row(group, [verdict for _, verdict in verdicts]))
    lines += ["", "Wrong kernels by operator; each was tried on every primitive that it applies to:", ""]
    lines += ["| what is wrong | caught | of | |", "|---|---:|---:|---:|"]
    kinds: dict[str, list[Verdict]] = {}
    for what, verdict in groups["wrong kernels"]:
        kinds.setdefault(what, []).append(verdict)
    lines += [
        _row(what, verdicts) for what, verdicts in sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    ]
    lines += ["", "Lies in front of a backend, and the check that caught each on NumPy:", ""]
    lines += ["| lie | caught by |", "|---|---|"]
    documented: dict[str, Any] = {lie.__name__: lie.__doc__ for lie in (*lies(), *profile_lies(), *fresh_lies())}
    for group in ("lies in front of numpy", "fresh lies"):
        for what, verdict in groups[group]:
            lines.append(
                f"| {' '.join(documented[what].split())} | {f'`{verdict.killer}`' if verdict.killer else 'nothing'} |"
            )
    lines += ["", "What is not caught, and why:", ""]
    lines += [f"- {mutant}: {reason}." for mutant, reason in SURVIVORS.items()]
    return "\n".join(lines) + "\n"


def _row(what: str, verdicts: list[Verdict]) -> str:
    caught = sum(bool(verdict.killer) for verdict in verdicts)
    return f"| {what} | {caught} | {len(verdicts)} | {100 * caught / len(verdicts):.1f} % |"


def survivors(groups: dict[str, list[tuple[str, Verdict]]]) -> set[str]:
    """The mutants that no check caught."""
    return {verdict.mutant for verdicts in groups.values() for _, verdict in verdicts if not verdict.killer}


def main() -> None:
    """Judges all mutants, writes the page and prints the totals."""
    groups = all_verdicts()
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text[: text.index(MARK)] + chapter(groups), encoding="utf-8")
    for group, verdicts in groups.items():
        print(group, dict(Counter(bool(verdict.killer) for _, verdict in verdicts)))
    print("not caught:", *sorted(survivors(groups)), sep="\n  ")
