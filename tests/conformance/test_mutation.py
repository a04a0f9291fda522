"""The suite catches every kind of lie that a backend can tell; spec/conformance.md says how many were tried."""

from __future__ import annotations

import warnings

import pytest
from cornu_conformance.reference import ReferenceBackend
from mutation.fresh import fresh_lies
from mutation.lies import Lie
from mutation.operators import kernel_mutants
from mutation.report import BASES, PAGE, all_lies, honest_checks, kernel_verdicts, lie_verdicts
from mutation.survey import Verdict, judge, ordered_for
from mutation.survivors import SURVIVORS

PARTS = 8
COUNT = len(list(kernel_mutants()))


@pytest.fixture(autouse=True)
def _quiet() -> None:
    warnings.simplefilter("ignore")  # wrong kernels overflow and divide by zero


def survivors(verdicts: list[tuple[str, Verdict]]) -> set[str]:
    return {verdict.mutant for _, verdict in verdicts if not verdict.killer}


def test_right_kernels_pass() -> None:
    assert judge("none", ReferenceBackend({}), ordered_for("Add")).killer == ""


@pytest.mark.parametrize("base", BASES)
def test_a_backend_behind_an_honest_face_passes(base: str) -> None:
    assert judge(base, Lie(base), honest_checks(base)).killer == ""


@pytest.mark.parametrize("part", range(PARTS))
def test_wrong_kernels_are_caught(part: int) -> None:
    assert survivors(list(kernel_verdicts(range(part, COUNT, PARTS)))) == set()


@pytest.mark.parametrize("base", BASES)
def test_lies_are_caught(base: str) -> None:
    told = lie_verdicts(base, all_lies(base))
    assert survivors(list(told)) == {mutant for mutant in SURVIVORS if mutant.startswith(base)}


def test_fresh_lies_are_caught() -> None:
    assert survivors(list(lie_verdicts("numpy", fresh_lies()))) == set()


def test_the_page_counts_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"| wrong kernels | {COUNT} | {COUNT} | 100.0 % |" in page, "run `python -m mutation` in tests/conformance"
    for count, base in ((len(list(all_lies(base))), base) for base in BASES):
        assert f"| lies in front of {base} | " in page
        assert f" | {count} | " in page
    assert all(mutant in page for mutant in SURVIVORS)
