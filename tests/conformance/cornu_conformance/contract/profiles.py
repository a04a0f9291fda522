"""The optional hook `profile()`: what it tells must be true; without it a backend passes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from cornu.backend.contract import NodeEvent
from cornu.ir.builder import Builder
from cornu.ir.program import Program

from cornu_conformance.check import Example, require
from cornu_conformance.contract.programs import Rules
from cornu_conformance.graph import f32
from cornu_conformance.subject import Subject, compare

SIZE = 96
STEPS = 3
SLACK = 2e-3
"""Seconds by which the clocks of a runtime and of Python may differ."""
ROUNDING = 5e-6
"""Seconds to which a runtime may round."""


def rules() -> Rules:
    """The rules by name."""
    yield "numbers_stay", numbers_stay
    yield "every_call_is_noted", every_call_is_noted
    yield "scopes_are_the_programs", scopes_are_the_programs
    yield "times_lie_in_the_call", times_lie_in_the_call
    yield "nested_or_apart", nested_or_apart


class Profiled(NamedTuple):
    """A program that was run with a profile: when, what came out, and what it told; None without the hook."""

    made: Program
    calls: list[tuple[float, float]]
    outputs: list[list[np.ndarray]]
    events: Sequence[NodeEvent] | None


def layers() -> Program:
    """Two products of matrices and a loop, each in a scope of its own."""
    step = Builder("step")
    state, row = step.input(f32(SIZE)), step.input(f32(SIZE))
    with step.scoped("cell"):
        state = step.Tanh(step.Add(state, row))
    loop = {"body": step.finish([state, state]), "carries": 1, "sequences": 1, "length": SIZE, "reverse": False}
    b = Builder("profiled")
    x, w = b.input(f32(SIZE, SIZE)), b.input(f32(SIZE, SIZE))
    with b.scoped("dense"):
        hidden = b.Tanh(b.MatMul(x, w))
    with b.scoped("out"):
        hidden = b.MatMul(hidden, w)
    with b.scoped("rnn"):
        first = b.constant(np.zeros(SIZE, np.float32))
        last, _ = b.emit("Scan", (first, hidden), loop)
    return b.finish([hidden, last])


def arrays() -> list[np.ndarray]:
    """Inputs of `layers`."""
    random = np.random.default_rng(0)
    return [random.normal(size=(SIZE, SIZE)).astype(np.float32) / SIZE for _ in range(2)]


def profiled(subject: Subject) -> Profiled:
    """Runs the program some times, asks for the profile, and runs it once more."""
    made = layers()
    executable = subject.compile(made, profile=True)
    calls, outputs = [], []
    for _ in range(STEPS):
        given = subject.buffers(arrays())
        start = perf_counter()
        results = executable(given)
        executable.synchronize()
        calls.append((start, perf_counter()))
        outputs.append(subject.arrays(results))
    tell: Any = getattr(executable, "profile", None)
    events = None if tell is None else list(tell())
    outputs.append(subject.call(executable, arrays()))
    return Profiled(made, calls, outputs, events)


def numbers_stay(subject: Subject) -> None:
    """A profile changes no result, and the executable runs after it was asked."""
    found = profiled(subject)
    x, w = (array.astype(np.float64) for array in arrays())
    hidden = np.tanh(x @ w) @ w
    last = np.zeros(SIZE)
    for row in hidden:
        last = np.tanh(last + row)
    example = Example(found.made, arrays(), [hidden.astype(np.float32), last.astype(np.float32)], 50)
    for outputs in found.outputs:
        compare(example, outputs, ", with a profile")


def every_call_is_noted(subject: Subject) -> None:
    """There are events of every call, and each has cost something."""
    found = profiled(subject)
    for number, (start, end) in enumerate(found.calls if found.events is not None else ()):
        own = [event for event in found.events or () if start - SLACK / 2 <= event.start <= end + SLACK / 2]
        spent = sum(event.duration for event in own)
        require(spent > 0, f"call {number} of {STEPS} has left no event with a duration", found.made)


def scopes_are_the_programs(subject: Subject) -> None:
    """A node of the program has its scope, below that of the node that holds it; what the runtime added has none."""
    found = profiled(subject)
    known = set(_scopes(found.made))
    told = {event.scope for event in found.events or ()}
    require(told <= known | {""}, f"scopes of no node: {sorted(told - known - {''})}; there are {known}", found.made)
    if found.events is not None:
        require({"dense", "out"} <= told, f"no event has the scope 'dense' or 'out', only {sorted(told)}", found.made)
    for event in found.events or ():
        require(
            bool(event.op) and event.bytes >= 0, f"an operator has no name, or a negative size: {event}", found.made
        )


def _scopes(program: Program, outer: str = "") -> Iterator[str]:
    for node in program.nodes:
        scope = "/".join(filter(None, (outer, node.scope)))
        yield scope
        for inner in node.bodies.values():
            yield from _scopes(inner, scope)


def times_lie_in_the_call(subject: Subject) -> None:
    """No event ends before it begins, and each lies within a call, by the clock of `time.perf_counter`."""
    found = profiled(subject)
    for event in found.events or ():
        require(event.duration >= 0, f"a negative duration: {event}", found.made)
        inside = any(
            start - SLACK <= event.start and event.start + event.duration <= end + SLACK for start, end in found.calls
        )
        require(inside, f"an event outside of all calls {found.calls}: {event}", found.made)


def nested_or_apart(subject: Subject) -> None:
    """Of two events of one thread one contains the other, or ends before it begins."""
    found = profiled(subject)
    threads: dict[int, list[NodeEvent]] = defaultdict(list)
    for event in found.events or ():
        threads[event.thread].append(event)
    for events in threads.values():
        around: list[NodeEvent] = []
        for event in sorted(events, key=lambda event: (event.start, -event.duration)):
            while around and _end(around[-1]) <= event.start + ROUNDING:
                around.pop()
            fits = not around or _end(event) <= _end(around[-1]) + ROUNDING
            require(fits, f"{event} begins in {around and around[-1]} and ends after it", found.made)
            around.append(event)


def _end(event: NodeEvent) -> float:
    return event.start + event.duration
