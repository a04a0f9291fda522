"""Level graphs: programs of several nodes, each compiled once and run with several sizes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cornu_conformance.check import Check
from cornu_conformance.graph import Graph
from cornu_conformance.graph_programs import GRAPHS
from cornu_conformance.subject import Subject, check_run, compare


def generate() -> Iterator[Check]:
    """The checks `graphs/<program>`."""
    for graph in GRAPHS:
        yield Check(f"graphs/{graph.name}", partial(_run, graph), partial(graph.example, graph.bindings[0]))


def _run(graph: Graph, subject: Subject) -> None:
    program = graph.program()
    executable = subject.compile(program)
    kept = None
    for sizes in graph.bindings:
        example = graph.example(sizes, program)
        check_run(subject, executable, example)
        if kept is None:
            kept = example, executable(subject.buffers(example.inputs))
    if kept is not None:
        compare(kept[0], subject.arrays(kept[1]), " (read after other calls)")
