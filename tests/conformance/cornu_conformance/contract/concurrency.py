"""Threads: every method may be called from several at a time, on one executable too."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from cornu_conformance.check import ConformanceError, Example, require
from cornu_conformance.contract.programs import Rules, layered, layered_arrays, layered_formula, program, ramp
from cornu_conformance.graph import f32
from cornu_conformance.subject import Subject, compare, same_bits

THREADS = 4
ROUNDS = 30
SECONDS = 120.0


def rules() -> Rules:
    """The rules by name."""
    yield "one_executable", one_executable
    yield "one_executable_of_several_sizes", one_executable_of_several_sizes
    yield "compile", compile_at_once
    yield "buffers", buffers_at_once


def together(work: Callable[[int], None]) -> None:
    """Runs `work(0)`, `work(1)`, ... in threads that change places often.

    Raises:
        ConformanceError: One of them fails, or does not end.
    """
    errors: list[BaseException] = []
    start = threading.Barrier(THREADS)

    def run(i: int) -> None:
        try:
            start.wait(SECONDS)
            work(i)
        except BaseException as error:
            errors.append(error)

    with _many_switches():
        threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    require(not any(thread.is_alive() for thread in threads), f"threads did not end within {SECONDS:.0f} s")
    for error in errors:
        if isinstance(error, ConformanceError):
            raise ConformanceError(f"with {THREADS} threads at a time: {error}") from error
        raise ConformanceError(f"with {THREADS} threads at a time: {type(error).__name__}: {error}") from error


@contextmanager
def _many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _examples(rows: list[int]) -> list[Example]:
    sets = [layered_arrays(count, seed) for seed, count in enumerate(rows)]
    return [Example(layered(), arrays, layered_formula(*arrays), 50) for arrays in sets]


def _run_together(subject: Subject, rows: list[int]) -> None:
    executable = subject.compile(layered())
    examples = _examples(rows)

    def work(i: int) -> None:
        for _ in range(ROUNDS):
            compare(examples[i], subject.call(executable, examples[i].inputs))

    together(work)


def one_executable(subject: Subject) -> None:
    """One executable from several threads, each with inputs of its own."""
    _run_together(subject, [96] * THREADS)


def one_executable_of_several_sizes(subject: Subject) -> None:
    """The same with other sizes in each thread."""
    _run_together(subject, [8 * (i + 1) for i in range(THREADS)])


def compile_at_once(subject: Subject) -> None:
    """Several programs are compiled and run at a time, those with loops over bodies too."""

    def work(i: int) -> None:
        for k in range(4):
            factor = float(2 + i + THREADS * k)
            made = program(lambda b, x, factor=factor: b.Mul(b.Add(x, 1.0), factor), f32(6))
            compare(Example(made, [ramp(6)], [(ramp(6) + 1) * np.float32(factor)]), subject.run(made, [ramp(6)]))

    together(work)


def buffers_at_once(subject: Subject) -> None:
    """Numbers go there and back from several threads."""

    def work(i: int) -> None:
        for k in range(ROUNDS):
            array = ramp(2000 + i, start=100 * k + i)
            (back,) = subject.arrays(subject.buffers([array]))
            require(same_bits(back, array), "other numbers came back", expected=[array], actual=[back])

    together(work)
