"""The contract between Cornu and a compute backend (version 1.0; spec/backend.md is its prose)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from cornu.ir.program import Program
from cornu.ir.scope import layer_path

CONTRACT_VERSION = "1.0"

Buffer = Any
"""A backend's own handle of one tensor on one of its devices; opaque to the core."""


@dataclass(frozen=True)
class CompileOptions:
    """What the core asks of one compilation.

    Args:
        device: The device to run on, in the backend's own spelling; `""` is its default.
        profile: Whether the executable is to note what its nodes cost, for its optional method `profile()`.
    """

    device: str = ""
    profile: bool = False


class NodeEvent(NamedTuple):
    """One run of one node, as an executable's optional method `profile()` tells it.

    Args:
        op: The operator, or the composite's name.
        scope: The node's scope; absolute for nodes of bodies.
        start: When it began, in seconds of `time.perf_counter`.
        duration: How many seconds it took, those of the nodes of its bodies included.
        bytes: The size of its inputs and outputs.
        kernel: What the runtime calls the kernel that ran.
        thread: A number for the thread; events of one thread are nested or apart.
    """

    op: str
    scope: str
    start: float
    duration: float
    bytes: int = 0
    kernel: str = ""
    thread: int = 0


class BackendError(RuntimeError):
    """A failure inside a backend, told with the node and the layer that it happened in.

    Args:
        message: What the runtime said.
        node: The operator that failed, where the backend knows it.
        layer: The layer that the operator belongs to, where the backend knows it.
        spent: The positions of those donated inputs that hold their values no more; None where it may be all of them.
    """

    def __init__(self, message: str, node: str = "", layer: str = "", spent: frozenset[int] | None = None) -> None:
        layer = layer_path(layer)
        place = "".join([f" in node {node}" if node else "", f" of layer {layer}" if layer else ""])
        super().__init__(f"{message}{place}")
        self.node = node
        self.layer = layer
        self.spent = spent


@runtime_checkable
class Executable(Protocol):
    """A compiled program. It keeps no state between calls."""

    def __call__(self, inputs: Sequence[Buffer], donate: frozenset[int] = frozenset()) -> list[Buffer]:
        """Runs the program on `inputs`; the buffers at the positions in `donate` may be overwritten or reused."""
        ...

    def synchronize(self) -> None:
        """Returns when everything that was started has ended."""
        ...

    def close(self) -> None:
        """Frees what the executable holds."""
        ...


@runtime_checkable
class Backend(Protocol):
    """Runs programs. This is all that a third party writes."""

    contract: str
    priority: int

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        """Tells whether a node runs natively; what is not supported is rewritten by the core or refused."""
        ...

    def from_numpy(self, array: np.ndarray, device: str) -> Buffer:
        """Copies an array to the device."""
        ...

    def to_numpy(self, buffer: Buffer) -> np.ndarray:
        """Copies a buffer to a new array on the host."""
        ...

    def compile(self, program: Program, options: CompileOptions) -> Executable:
        """Makes a program executable."""
        ...
