"""Level ops: every case of every primitive in every dtype, against the formula."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cornu.ir.primitive import lookup

from cornu_conformance.case import Case, load_cases
from cornu_conformance.check import Check, Example
from cornu_conformance.subject import Subject, check_example


def generate() -> Iterator[Check]:
    """The checks `ops/<primitive>/<case>/<dtype>`."""
    for op, cases in load_cases().items():
        for case in cases:
            for dtype in case.dtypes:
                make = partial(example, op, case, dtype)
                yield Check(f"ops/{op}/{case.name}/{dtype}", partial(_run, make), make, required(op, dtype))


def required(op: str, dtype: str) -> bool:
    """Whether a case may not be refused: in float32, of a primitive that the core cannot make of others."""
    return lookup(op).decompose is None and dtype == "float32"


def _run(make: partial[Example], subject: Subject) -> None:
    check_example(subject, make())


def example(op: str, case: Case, dtype: str) -> Example:
    """A case as a program of one node.

    Args:
        op: The primitive.
        case: The case.
        dtype: The dtype under test.
    """
    return Example(case.program(op, dtype), case.arrays(dtype), case.results(dtype), case.tolerance, case.relative)
