"""The backend under test."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
from cornu.backend.config import use_backend
from cornu.backend.contract import Backend, Buffer, CompileOptions, Executable
from cornu.backend.manager import get_backend
from cornu.ir.passes import prepare
from cornu.ir.program import Program

from cornu_conformance.case import close
from cornu_conformance.check import ConformanceError, Example


class Subject:
    """A backend under test, and short ways to use it.

    Args:
        name: The name that it is installed or registered under.
        device: The device to run on, in the backend's spelling; empty for its default.
        options: Options of the backend.

    Raises:
        ValueError: Nothing of that name is installed.
        BackendLoadError: It cannot be loaded.

    Example:
        >>> Subject("numpy").run(program, [np.ones(3, np.float32)])
    """

    def __init__(self, name: str, device: str = "", **options: Any) -> None:
        self.name = name
        self.device = device
        self.options = options
        self.backend: Backend = get_backend(name, **options)

    def arguments(self) -> dict[str, Any]:
        """What else than the name makes an equal subject."""
        return ({"device": self.device} if self.device else {}) | self.options

    def use(self) -> AbstractContextManager[Backend]:
        """Selects the backend for a `with` block."""
        return use_backend(self.name, device=self.device, **self.options)

    # -- programs ------------------------------------------------------------------------------------------------

    def compile(self, program: Program, profile: bool = False) -> Executable:
        """Prepares a program as the core does and compiles it.

        Args:
            program: The program.
            profile: Whether the executable is to note what its nodes cost.

        Raises:
            LegalisationError: The core finds no way to run it there.
            ConformanceError: The backend cannot compile what it said it supports.
        """
        prepared = prepare(program, self.backend, self.device)
        try:
            return self.backend.compile(prepared, CompileOptions(self.device, profile))
        except Exception as error:
            message = f"`supports` is True for every node, but `compile` raises {type(error).__name__}: {error}"
            raise ConformanceError(message, prepared) from error

    def buffers(self, arrays: Sequence[np.ndarray]) -> list[Buffer]:
        """Copies arrays to the device."""
        return [self.backend.from_numpy(array, self.device) for array in arrays]

    def arrays(self, buffers: Sequence[Buffer]) -> list[np.ndarray]:
        """Copies buffers to the host."""
        return [self.backend.to_numpy(buffer) for buffer in buffers]

    def call(
        self, executable: Executable, arrays: Sequence[np.ndarray], donate: frozenset[int] = frozenset()
    ) -> list[np.ndarray]:
        """Runs an executable from arrays to arrays."""
        return self.arrays(executable(self.buffers(arrays), donate))

    def run(self, program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Prepares, compiles and runs a program."""
        return self.call(self.compile(program), arrays)


def check_example(subject: Subject, example: Example) -> None:
    """Runs a program plainly and with every input donated; results must be right, and kept inputs unchanged.

    Args:
        subject: The backend.
        example: The program.

    Raises:
        ConformanceError: Something is wrong.
    """
    check_run(subject, subject.compile(example.program), example)


def check_run(subject: Subject, executable: Executable, example: Example) -> None:
    """`check_example` with an executable that is there already."""
    given = subject.buffers(example.inputs)
    for donate in (frozenset[int](), frozenset(range(len(given)))):
        manner = " with every input donated" if donate else ""
        try:
            outputs = executable(given, donate)
            actual = subject.arrays(outputs)
        except Exception as error:
            message = f"`supports` is True for every node, but running{manner} raises {type(error).__name__}: {error}"
            raise ConformanceError(message, example.program, example.inputs, example.expected) from error
        compare(example, actual, manner)
        if not donate:
            unchanged(example, subject.arrays(given))


def compare(example: Example, actual: Sequence[np.ndarray], manner: str = "") -> None:
    """Compares outputs with what is expected.

    Raises:
        ConformanceError: One differs, or their number does.
    """
    told = (example.program, example.inputs, example.expected, actual)
    if len(actual) != len(example.expected):
        raise ConformanceError(f"{len(actual)} outputs instead of {len(example.expected)}{manner}", *told)
    for i, (have, want) in enumerate(zip(actual, example.expected, strict=True)):
        if problem := close(have, want, example.tolerance, example.relative):
            raise ConformanceError(f"output {i}{manner}: {problem}", *told)


def unchanged(example: Example, after: Sequence[np.ndarray]) -> None:
    """Checks that inputs which were not donated hold what they held.

    Raises:
        ConformanceError: One does not.
    """
    for i, (now, before) in enumerate(zip(after, example.inputs, strict=True)):
        if not same_bits(now, before):
            message = f"input {i} was not donated, but the call has changed it"
            raise ConformanceError(message, example.program, [before], [before], [now])


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays are equal in dtype, shape and every bit."""
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
