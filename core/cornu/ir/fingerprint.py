"""A name for a program's structure: equal programs have equal fingerprints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu.ir.program import Program, Value


def fingerprint(program: Program, with_names: bool = False) -> str:
    """A digest of everything that the program computes.

    Args:
        program: The program.
        with_names: Whether names and scopes count.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _parts(program):
        digest.update(part)
        digest.update(b"\0")
    if with_names:
        digest.update(repr(_names(program)).encode())
    return digest.hexdigest()


def _names(program: Program) -> list[Any]:
    inner = [
        (node.scope, [value.name for value in node.outputs], list(map(_names, node.bodies.values())))
        for node in program.nodes
    ]
    return [program.name, [value.name for value in program.inputs], inner]


def _parts(program: Program) -> Iterator[bytes]:
    numbers: dict[Value, int] = {}
    for value in program.inputs:
        numbers[value] = len(numbers)
        yield str(value.type).encode()
    for node in program.nodes:
        yield f"{node.op} {[numbers[value] for value in node.inputs]}".encode()
        for name in sorted(node.attributes):
            yield name.encode()
            yield from _attribute(node.attributes[name])
        for value in node.outputs:
            numbers[value] = len(numbers)
    yield f"return {[numbers[value] for value in program.outputs]}".encode()


def _attribute(value: Any) -> Iterator[bytes]:
    if isinstance(value, Program):
        yield from _parts(value)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tobytes()
    else:
        yield repr(value).encode()
