"""Level contract: every rule of spec/backend.md that can be checked from outside."""

from __future__ import annotations

from collections.abc import Iterator

from cornu_conformance.check import Check
from cornu_conformance.contract import buffers, concurrency, executables, failures, methods, ownership, profiles


def generate() -> Iterator[Check]:
    """The checks `contract/<chapter>/<rule>`."""
    for module in (methods, buffers, executables, ownership, failures, concurrency, profiles):
        chapter = module.__name__.rsplit(".", 1)[1]
        for name, body in module.rules():
            yield Check(f"contract/{chapter}/{name}", body)
