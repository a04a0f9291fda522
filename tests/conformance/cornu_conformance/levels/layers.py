from collections.abc import Iterator

from cornu_conformance.check import Check


def generate() -> Iterator[Check]:
    yield from ()
