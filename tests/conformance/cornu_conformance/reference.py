"""The reference kernels as a backend: what every backend's models are compared with where no number is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from cornu.backend.config import use_backend
from cornu.backend.contract import CONTRACT_VERSION, BackendError, CompileOptions
from cornu.backend.manager import backend_names, register_backend
from cornu.ir.interpret import BoundBody
from cornu.ir.primitive import all_primitives, lookup
from cornu.ir.program import Program, bind_attribute

Kernel = Callable[..., Any]
NAME = "conformance_reference"


class ReferenceBackend:
    """Runs programs node by node on the reference kernels.

    Args:
        kernels: By primitive or composite, what stands for its kernel; composites named here are native.
    """

    contract = CONTRACT_VERSION
    priority = -(10**6)

    def __init__(self, kernels: Mapping[str, Kernel] | None = None) -> None:
        self.kernels = kernels or {}

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return device in ("", "cpu") and (op in all_primitives() or op in self.kernels)

    def from_numpy(self, array: np.ndarray, device: str) -> np.ndarray:
        if device not in ("", "cpu"):
            raise ValueError(f"there is no device {device!r}")
        return np.array(array)

    def to_numpy(self, buffer: np.ndarray) -> np.ndarray:
        return np.array(buffer)

    def compile(self, program: Program, options: CompileOptions) -> ReferenceExecutable:
        return ReferenceExecutable(program, self.kernels)


class ReferenceExecutable:
    """A program, node by node."""

    def __init__(self, program: Program, kernels: Mapping[str, Kernel]) -> None:
        self.program = program
        self.kernels = kernels

    def __call__(self, inputs: Sequence[np.ndarray], donate: frozenset[int] = frozenset()) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return [np.array(array) for array in self.run(self.program, inputs)]

    def run(
        self, program: Program, arrays: Sequence[np.ndarray], sizes: Mapping[str, int] | None = None
    ) -> list[np.ndarray]:
        """The program's outputs, as they come; they may share memory with the inputs."""
        sizes = program.bind([array.shape for array in arrays], sizes)
        values = dict(zip(program.inputs, arrays, strict=True))
        for node in program.nodes:
            attributes = {k: bind_attribute(v, sizes, self.body) for k, v in node.attributes.items()}
            kernel = self.kernels.get(attributes.get("name", node.op) if node.op == "Call" else node.op)
            try:
                results = (kernel or lookup(node.op).kernel)(*[values[v] for v in node.inputs], **attributes)
            except BackendError:
                raise
            except Exception as error:
                raise BackendError(f"{type(error).__name__}: {error}", node.op, node.scope) from error
            results = results if isinstance(results, (list, tuple)) else [results]
            values.update(zip(node.outputs, map(np.asarray, results), strict=True))
        return [values[value] for value in program.outputs]

    def body(self, program: Program, sizes: Mapping[str, int]) -> BoundBody:
        """A sub-program as a function of arrays."""
        return BoundBody(program, sizes, self.run)

    def synchronize(self) -> None:
        """A call ends when its work has ended."""

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def on_reference() -> Iterator[None]:
    """Selects the reference for a `with` block."""
    if NAME not in backend_names():
        register_backend(NAME, ReferenceBackend)
    with use_backend(NAME):
        yield
