"""Level gradients: the programs that differentiation makes, against the reference kernels or numbers by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from cornu.ir.differentiate import vjp_program
from cornu.ir.interpret import evaluate
from cornu.ir.primitive import all_primitives, lookup
from cornu.ir.program import Program
from cornu.ir.types import is_float

from cornu_conformance.case import Case, cast, load_cases
from cornu_conformance.check import Check, Example
from cornu_conformance.composite_cases import composite_cases
from cornu_conformance.differences import float_positions
from cornu_conformance.graph import Graph
from cornu_conformance.graph_programs import GRAPHS
from cornu_conformance.subject import Subject, check_example

LOOSE = 50.0  # many roundings, in another order and of other functions than the reference's
SECOND_ORDER_DTYPES = ("float32",)


def generate() -> Iterator[Check]:
    """The checks `gradients/<primitive>/<case>/<dtype>`, of second derivatives, and `gradients/graphs/<program>`."""
    for op, cases in (load_cases() | composite_cases()).items():
        for case in cases:
            if not differentiable(op, case):
                continue
            for dtype in case.dtypes:
                if is_float(dtype):
                    yield _check(f"{op}/{case.name}/{dtype}", partial(of_case, op, case, dtype))
                if dtype in SECOND_ORDER_DTYPES and case.orders > 1 and case.name == "typical":
                    yield _check(f"{op}/{case.name}_second/{dtype}", partial(second_of_case, op, case, dtype))
    for graph in GRAPHS:
        if graph.differentiable:
            yield _check(f"graphs/{graph.name}", partial(of_graph, graph))


def _check(name: str, make: partial[Example]) -> Check:
    return Check(f"gradients/{name}", partial(_run, make), make)


def _run(make: partial[Example], subject: Subject) -> None:
    check_example(subject, make())


def differentiable(op: str, case: Case) -> bool:
    """Whether a case has a gradient that is one thing only: away from kinks, or given by hand."""
    if not (case.orders or case.gradient is not None) or (op in all_primitives() and lookup(op).vjp is None):
        return False
    dtype = next(filter(is_float, case.dtypes), "")
    return bool(dtype) and any(float_positions(case.program(op, dtype)))


def of_case(op: str, case: Case, dtype: str) -> Example:
    """The gradient of a case: that by hand where there is one, else the reference's for random cotangents."""
    program, arrays = case.program(op, dtype), case.arrays(dtype)
    rule = vjp_program(program, float_positions(program))
    if case.gradient is None:
        return against_reference(rule, [*arrays, *cotangents(program, arrays)], LOOSE * case.tolerance)
    ones = [np.ones_like(y) for y in floats_of(program, arrays)]
    stated = [g for g, wanted in zip(case.gradient, float_positions(program), strict=True) if wanted]
    reference = evaluate(rule, [*arrays, *ones])
    expected = [
        cast(np.asarray(g, np.float64), dtype) if g is not None else r for g, r in zip(stated, reference, strict=True)
    ]
    return Example(rule, [*arrays, *ones], expected, LOOSE * case.tolerance)


def second_of_case(op: str, case: Case, dtype: str) -> Example:
    """The gradient of the gradient."""
    program, arrays = case.program(op, dtype), case.arrays(dtype)
    rule = vjp_program(program, float_positions(program))
    given = [*arrays, *cotangents(program, arrays)]
    twice = vjp_program(rule, float_positions(rule))
    return against_reference(twice, [*given, *cotangents(rule, given)], LOOSE * case.tolerance)


def of_graph(graph: Graph) -> Example:
    """The gradient of a program of several nodes, at its first sizes."""
    program = graph.program()
    arrays = graph.arrays(graph.bindings[0])
    rule = vjp_program(program, float_positions(program))
    return against_reference(rule, [*arrays, *cotangents(program, arrays)], LOOSE * graph.tolerance)


def against_reference(rule: Program, arrays: Sequence[np.ndarray], tolerance: float) -> Example:
    """A program with what the reference kernels make of it."""
    with np.errstate(all="ignore"):
        return Example(rule, arrays, evaluate(rule, arrays), tolerance)


def floats_of(program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs that have a cotangent."""
    with np.errstate(all="ignore"):
        outputs = evaluate(program, arrays)
    return [y for y, value in zip(outputs, program.outputs, strict=True) if is_float(value.dtype)]


def cotangents(program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Random cotangents for the outputs that have one."""
    random = np.random.default_rng(0)
    return [random.normal(size=y.shape).astype(y.dtype) for y in floats_of(program, arrays)]
