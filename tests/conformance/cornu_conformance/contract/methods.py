"""The class, its attributes, and what `supports` answers."""

from __future__ import annotations

from typing import Any

from cornu.backend.check import check_backend_class
from cornu.backend.contract import Backend, Executable
from cornu.backend.manager import get_backend
from cornu.ir.passes.legalise import dtypes_of
from cornu.ir.program import Node

from cornu_conformance.case import load_cases
from cornu_conformance.check import Example, require
from cornu_conformance.contract.programs import N, Rules, doubled, program, ramp
from cornu_conformance.graph import body, f32
from cornu_conformance.subject import Subject, check_example

UNKNOWN = "ConformanceHasNoSuchOperator"


def rules() -> Rules:
    """The rules by name."""
    yield "class", has_what_the_contract_requires
    yield "one_instance", there_is_one_instance
    yield "options", unknown_options_are_refused
    yield "describe", description_has_the_known_keys
    yield "executable", executable_has_its_methods
    yield "unknown_operator", unknown_operators_are_not_supported
    yield "unknown_composite", unknown_composites_are_not_supported
    yield "unknown_device", unknown_devices_are_refused
    yield "answers_stay", answers_stay_the_same


def has_what_the_contract_requires(subject: Subject) -> None:
    """`contract`, `priority` and the four methods."""
    check_backend_class(type(subject.backend))
    require(isinstance(subject.backend, Backend), "the instance lacks a method or attribute of the contract")


def there_is_one_instance(subject: Subject) -> None:
    """The same options give the same live instance."""
    require(get_backend(subject.name, **subject.options) is subject.backend, "equal options give another instance")


def unknown_options_are_refused(subject: Subject) -> None:
    """The constructor takes no option that it does not know."""
    options: dict[str, Any] = {**subject.options, "conformance_has_no_such_option": 1}
    try:
        get_backend(subject.name, **options)
    except Exception:
        return
    require(False, "the constructor takes an option `conformance_has_no_such_option`, and ignores it")


def description_has_the_known_keys(subject: Subject) -> None:
    """`describe()`, where there is one, returns `version`, `providers` and `devices` at most."""
    describe = getattr(type(subject.backend), "describe", None)
    if describe is None:
        return
    told = describe()
    require(isinstance(told, dict), f"describe() returns {type(told).__name__}, not a dict")
    extra = sorted(set(told) - {"version", "providers", "devices"})
    require(not extra, f"describe() returns the unknown keys {', '.join(map(repr, extra))}")


def executable_has_its_methods(subject: Subject) -> None:
    """What `compile` returns can be called, synchronized and closed."""
    executable = subject.compile(doubled())
    require(isinstance(executable, Executable), "the executable lacks __call__, synchronize or close")


def unknown_operators_are_not_supported(subject: Subject) -> None:
    """False for what the backend cannot know."""
    answer = subject.backend.supports(UNKNOWN, ("float32",), {}, subject.device)
    require(answer is False or answer == False, f"supports({UNKNOWN!r}, ...) is {answer!r}")  # noqa: E712 - numpy's too


def unknown_composites_are_not_supported(subject: Subject) -> None:
    """False for a composite that the backend cannot know; it is inlined then and runs all the same."""
    inside = body("inside", [f32(N)], lambda b, x: b.Add(b.Mul(x, x), 1.0))
    whole = program(lambda b, x: b.emit("Call", (x,), {"name": UNKNOWN, "body": inside}), f32(N))
    answer = subject.backend.supports(UNKNOWN, ("float32",), whole.nodes[0].attributes, subject.device)
    require(not answer, f"supports({UNKNOWN!r}, ...) is {answer!r} for a composite of that name")
    check_example(subject, Example(whole, [ramp(3)], [ramp(3) ** 2 + 1]))


def unknown_devices_are_refused(subject: Subject) -> None:
    """Nothing runs on a device that is not there: `supports`, `from_numpy` or `compile` says so."""
    elsewhere = Subject(subject.name, "conformance-has-no-such-device:7", **subject.options)
    try:
        elsewhere.run(doubled(), [ramp(3)])
    except Exception:
        return
    require(False, f"a program runs on the device {elsewhere.device!r}, which cannot exist")


def answers_stay_the_same(subject: Subject) -> None:
    """The same question gets the same answer, asked before and after."""
    questions = [node for op, cases in load_cases().items() for node in _nodes(op, cases)]

    def ask(node: Node) -> object:
        name = node.attributes["name"] if node.op == "Call" else node.op
        return subject.backend.supports(name, dtypes_of(node), node.attributes, subject.device)

    first = [ask(node) for node in questions]
    subject.run(doubled(), [ramp(3)])
    for node, before in zip(questions, first, strict=True):
        after = ask(node)
        require(
            bool(before) == bool(after),
            f"supports({node.op!r}, {dtypes_of(node)}, ...): first {before!r}, then {after!r}",
        )


def _nodes(op: str, cases: list[Any]) -> list[Node]:
    return [case.program(op, dtype).nodes[-1] for case in cases for dtype in case.dtypes]
