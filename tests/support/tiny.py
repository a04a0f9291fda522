"""A backend for tests of the core: it runs programs on the reference kernels, counts, and fails when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from cornu.backend.contract import CONTRACT_VERSION, CompileOptions
from cornu.backend.manager import register_backend, unregister_backend
from cornu.config import use_backend
from cornu.ir.interpret import evaluate
from cornu.ir.program import Program


class TinyBackend:
    """Everything is native; buffers are arrays behind a wrapper, so that the core cannot look into them."""

    contract = CONTRACT_VERSION
    priority = -1

    def __init__(self, tag: str = "") -> None:
        self.tag = tag
        self.programs: list[Program] = []
        self.runs = 0
        self.before_run: Callable[[Program], None] = lambda program: None

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return True

    def from_numpy(self, array: np.ndarray, device: str) -> TinyBuffer:
        return TinyBuffer(self, np.array(array))

    def to_numpy(self, buffer: TinyBuffer) -> np.ndarray:
        return np.array(buffer.read(self))

    def compile(self, program: Program, options: CompileOptions) -> TinyExecutable:
        self.programs.append(program)
        return TinyExecutable(self, program)


class TinyBuffer:
    """An array that only its own backend can read."""

    def __init__(self, owner: TinyBackend, array: np.ndarray) -> None:
        self._owner = owner
        self._array = array

    def read(self, backend: TinyBackend) -> np.ndarray:
        assert backend is self._owner, "a buffer was given to a backend that did not make it"
        return self._array


class TinyExecutable:
    """Runs one program node by node."""

    def __init__(self, backend: TinyBackend, program: Program) -> None:
        self._backend = backend
        self._program = program

    def __call__(self, inputs: Sequence[TinyBuffer], donate: frozenset[int] = frozenset()) -> list[TinyBuffer]:
        self._backend.runs += 1
        self._backend.before_run(self._program)
        arrays = evaluate(self._program, [buffer.read(self._backend) for buffer in inputs])
        return [TinyBuffer(self._backend, np.array(array)) for array in arrays]

    def synchronize(self) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def tiny_backend(name: str = "tiny") -> Iterator[TinyBackend]:
    """Registers the backend and selects it for the block."""
    register_backend(name, TinyBackend)
    try:
        with use_backend(name) as backend:
            assert isinstance(backend, TinyBackend)
            yield backend
    finally:
        unregister_backend(name)
