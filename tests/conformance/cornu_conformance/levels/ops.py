"""Level ops: every case of every primitive and composite, against the formula; and the ONNX standard's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cornu.ir.primitive import all_primitives

from cornu_conformance import onnx_tests
from cornu_conformance.case import Case, load_cases
from cornu_conformance.check import Check, Example
from cornu_conformance.composite_cases import composite_cases
from cornu_conformance.every_dtype import in_every_dtype
from cornu_conformance.subject import Subject, check_example


def generate() -> Iterator[Check]:
    """The checks `ops/<primitive>/<case>/<dtype>` and `ops/onnx/<test>`."""
    for op, cases in (load_cases() | composite_cases()).items():
        more = in_every_dtype(op, cases) if op in all_primitives() else []
        for case in (*cases, *more):
            for dtype in case.dtypes:
                make = partial(example, op, case, dtype)
                yield Check(f"ops/{op}/{case.name}/{dtype}", partial(_run, make), make, required(op, case, dtype))
    for name in onnx_tests.names():
        yield Check(f"ops/onnx/{name}", partial(_run_standard, name), partial(_standard, name))


def _run_standard(name: str, subject: Subject) -> None:
    found = onnx_tests.example(name)
    if found is not None:  # another version of onnx may not have it
        check_example(subject, found)


def required(op: str, case: Case, dtype: str) -> bool:
    """Whether a case may not be refused: in float32, of a primitive that the core cannot make of others."""
    operands = {type.dtype for type in case.types(dtype)}
    primitive = all_primitives().get(op)  # a composite is none: it can be inlined
    return primitive is not None and primitive.required and "float32" in operands


def _run(make: partial[Example], subject: Subject) -> None:
    check_example(subject, make())


def _standard(name: str) -> Example:
    found = onnx_tests.example(name)
    assert found is not None
    return found


def example(op: str, case: Case, dtype: str) -> Example:
    """A case as a program of one node.

    Args:
        op: The primitive.
        case: The case.
        dtype: The dtype under test.
    """
    return Example(case.program(op, dtype), case.arrays(dtype), case.results(dtype), case.tolerance, case.relative)
