"""What goes wrong is told, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cornu.backend.contract import BackendError, Executable
from cornu.ir.builder import Builder
from cornu.ir.passes import prepare
from cornu.ir.passes.legalise import LegalisationError
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType

from cornu_conformance.check import ConformanceError, Example, require
from cornu_conformance.contract.programs import N, Rules, layered, layered_arrays, layered_formula, program, ramp
from cornu_conformance.graph import f32
from cornu_conformance.subject import Subject, compare, same_bits

LAYER = "conformance/lookup"


def rules() -> Rules:
    """The rules by name."""
    yield "too_few_inputs", too_few_inputs
    yield "too_many_inputs", too_many_inputs
    yield "sizes_that_do_not_fit", sizes_that_do_not_fit
    yield "sizes_that_differ", sizes_that_differ
    yield "runtime_failures_are_backend_errors", runtime_failures_are_backend_errors
    yield "spent_is_all_that_is_spent", spent_is_all_that_is_spent
    yield "next_call", next_call_is_as_if_nothing_had_happened
    yield "refusal_names_all", refusal_names_operator_dtypes_layer_and_backend


def must_fail(subject: Subject, executable: Executable, arrays: Sequence[np.ndarray], what: str, made: Program) -> None:
    """Calls with inputs that do not fit, and is content with any ordinary exception."""
    try:
        actual = subject.call(executable, arrays)
    except Exception:
        return
    raise ConformanceError(f"{what}: no exception", made, arrays, (), actual)


def too_few_inputs(subject: Subject) -> None:
    """One buffer for each input, not less."""
    made = layered()
    must_fail(subject, subject.compile(made), layered_arrays(3, 0)[:1], "one of two inputs", made)


def too_many_inputs(subject: Subject) -> None:
    """One buffer for each input, not more."""
    made = layered()
    must_fail(subject, subject.compile(made), [*layered_arrays(3, 0), ramp(3)], "three inputs instead of two", made)


def sizes_that_do_not_fit(subject: Subject) -> None:
    """A matrix of other than the declared columns cannot be multiplied."""
    made = layered()
    x, w = layered_arrays(3, 0)
    must_fail(subject, subject.compile(made), [x[:, :47], w], "47 columns instead of 48", made)


def sizes_that_differ(subject: Subject) -> None:
    """One symbol has one value."""
    made = program(lambda b, x, y: b.Add(x, y), f32(N), f32(N))
    must_fail(subject, subject.compile(made), [ramp(3), ramp(4)], "n = 3 and n = 4 in one call", made)


def out_of_range() -> Program:
    """Rows of a table by indices that a caller may get wrong."""
    b = Builder("lookup")
    table, places = b.input(f32(3, 2), "table"), b.input(TensorType("int64", (N,)), "places")
    with b.scoped(LAYER):
        rows = b.Gather(table, places, axis=0)
    return b.finish([b.Mul(rows, 2.0)])


def runtime_failures_are_backend_errors(subject: Subject) -> None:
    """An index out of range may raise; if it does, then a BackendError with the node and its layer."""
    made = out_of_range()
    executable = subject.compile(made)
    table = ramp(6).reshape(3, 2)
    inputs = [table, np.array([0, 99], np.int64)]
    try:
        subject.call(executable, inputs)
    except BackendError as error:
        node, layer = "Gather" in error.node or not error.node, error.layer in (LAYER, "")
        require(node and layer, f"the BackendError names node {error.node!r} of layer {error.layer!r}", made)
        require(str(error).strip(), "the BackendError says nothing", made)
    except Exception as error:
        raise ConformanceError(f"{type(error).__name__} instead of BackendError: {error}", made, inputs) from error
    right = Example(made, [table, np.array([2, 0], np.int64)], [table[[2, 0]] * 2])
    compare(right, subject.call(executable, right.inputs), ", after a failure")


def spent_is_all_that_is_spent(subject: Subject) -> None:
    """What a BackendError does not count among the donated buffers that are used up holds its value."""
    made = out_of_range()
    executable = subject.compile(made)
    arrays = [ramp(6).reshape(3, 2), np.array([0, 99], np.int64)]
    given = subject.buffers(arrays)
    try:
        subject.arrays(executable(given, frozenset({0, 1})))
    except BackendError as error:
        for i in {0, 1} - (frozenset({0, 1}) if error.spent is None else error.spent):
            (after,) = subject.arrays([given[i]])
            require(same_bits(after, arrays[i]), f"input {i} is not among the `spent`, but has changed", made)


def next_call_is_as_if_nothing_had_happened(subject: Subject) -> None:
    """After a call that failed, the same executable and others give what they always gave."""
    made = layered()
    executable, other = subject.compile(made), subject.compile(out_of_range())
    arrays = layered_arrays(5, 1)
    example = Example(made, arrays, layered_formula(*arrays), 50)
    compare(example, subject.call(executable, arrays))
    wrong = [[arrays[0][:, :5], arrays[1]], [arrays[0]], [arrays[0] * np.nan, arrays[1][:7]]]
    for inputs in wrong:
        _try(subject, executable, inputs)
        _try(subject, other, [ramp(6).reshape(3, 2), np.array([0, -77], np.int64)])
        compare(example, subject.call(executable, arrays), ", after a call that failed")
        smaller = [arrays[0][:2], arrays[1]]
        rest = Example(made, smaller, layered_formula(*smaller), 50)
        compare(rest, subject.call(executable, smaller), ", after a call that failed")


def _try(subject: Subject, executable: Executable, arrays: Sequence[np.ndarray]) -> None:
    try:
        subject.call(executable, arrays)
    except Exception:
        return  # what fails, and how, is another rule's


class _Refusing:
    """The backend under test, if it supported nothing."""

    def __init__(self, subject: Subject) -> None:
        self.name = getattr(subject.backend, "name", type(subject.backend).__name__)

    def supports(self, *question: object) -> bool:
        return False


def refusal_names_operator_dtypes_layer_and_backend(subject: Subject) -> None:
    """What cannot run is refused before anything runs, by name."""

    def make(b: Builder, x: Value, y: Value) -> Value:
        with b.scoped(LAYER):
            result: Value = b.Add(x, y)
        return result

    refusing = _Refusing(subject)
    try:
        prepare(program(make, f32(N), f32(N)), refusing, subject.device)  # type: ignore[arg-type]
    except LegalisationError as error:
        for part in ("Add", "float32", LAYER, refusing.name):
            require(part in str(error), f"the refusal does not name {part!r}: {error}")
        return
    require(False, "a node that nothing supports was not refused")
