"""From programs to executables: the one place where the core calls a backend."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from cornu.backend.config import current_backend, current_device
from cornu.backend.contract import Backend, Buffer, CompileOptions, Executable
from cornu.ir.dim import Dim, substitute
from cornu.ir.fingerprint import fingerprint
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu.profiling import switch
from cornu.tracing.tensor import ConcreteTensor

Key = TypeVar("Key")
Item = TypeVar("Item")


class Cache(Generic[Key, Item]):
    """A bounded dictionary that forgets what was used longest ago."""

    def __init__(self, capacity: int) -> None:
        self._items: OrderedDict[Key, Item] = OrderedDict()
        self._capacity = capacity
        self._lock = Lock()

    def get(self, key: Key) -> Item | None:
        """The item, or None."""
        with self._lock:
            item = self._items.get(key)
            if item is not None:
                self._items.move_to_end(key)
            return item

    def put(self, key: Key, item: Item) -> None:
        """Stores an item."""
        with self._lock:
            self._items[key] = item
            self._items.move_to_end(key)
            while len(self._items) > self._capacity:
                self._items.popitem(last=False)


class CompiledProgram:
    """A program with its executables, one per backend and device, compiled when first needed.

    Args:
        program: The program as it was traced.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._results = [(value.type, any(isinstance(dim, Dim) for dim in value.shape)) for value in program.outputs]
        # Each with its backend, which keeps that alive: another one must not come to have the same id.
        self._executables: dict[tuple[int, str], tuple[Backend, Executable]] = {}
        self._lock = Lock()

    def executable(self, backend: Backend, device: str) -> Executable:
        """The executable for a backend; while a profile is taken, one that says what its nodes cost."""
        profile = switch.active
        if profile is not None:
            return profile.executable(self, backend, device)
        key = (id(backend), device)
        found = self._executables.get(key)
        if found is None:
            with self._lock:
                found = self._executables.get(key)
                if found is None:
                    found = (backend, compile_program(self.program, backend, device))
                    self._executables[key] = found
        return found[1]

    def ready(self, tensors: Sequence[ConcreteTensor], executable: Executable | None = None) -> Run:
        """Does everything that comes before the program runs on the current backend.

        Args:
            tensors: One per input.
            executable: Another executable of this program than the ordinary one.

        Raises:
            ValueError: If the tensors do not fit the program.
            BackendError: If the backend cannot compile it.
        """
        backend, device = current_backend(), current_device()
        sized = tensors[: self.program.symbolic_inputs]
        sizes = self.program.bind([tensor.type.shape for tensor in sized])  # type: ignore[misc]
        ready = executable or self.executable(backend, device)
        types = [_concrete(type, sizes) if symbolic else type for type, symbolic in self._results]
        return Run(ready, [tensor.buffer(backend, device) for tensor in tensors], types, backend, device)

    def run(self, tensors: Sequence[ConcreteTensor]) -> list[ConcreteTensor]:
        """Runs the program on the current backend.

        Args:
            tensors: One per input.

        Raises:
            ValueError: If the tensors do not fit the program.
            BackendError: If the backend fails.
        """
        return self.ready(tensors).start()


@dataclass
class Run:
    """A program on the point of being run.

    Args:
        executable: What runs it.
        buffers: Its inputs.
        types: The types of its outputs.
        backend: The backend.
        device: The device.
    """

    executable: Executable
    buffers: list[Buffer]
    types: list[TensorType]
    backend: Backend
    device: str

    def copy(self, i: int, tensor: ConcreteTensor) -> None:
        """Replaces an input by a copy of itself."""
        self.buffers[i] = tensor.copied_buffer(self.backend, self.device)

    def start(self, donate: frozenset[int] = frozenset()) -> list[ConcreteTensor]:
        """Runs it.

        Args:
            donate: Positions of inputs whose buffers the backend may use up.

        Raises:
            BackendError: If the backend fails.
        """
        buffers = self.executable(self.buffers, donate)
        return [
            ConcreteTensor(buffer, self.backend, type, self.device)
            for type, buffer in zip(self.types, buffers, strict=True)
        ]


_SHARED: Cache[str, CompiledProgram] = Cache(512)


def share_compiled(program: Program) -> CompiledProgram:
    """A program that is made anew for each use, with the executables of an equal one that came before."""
    key = fingerprint(program)
    found = _SHARED.get(key)
    if found is None:
        found = CompiledProgram(program)
        _SHARED.put(key, found)
        return found
    own = copy(found)
    own.program = program  # its layers may have other names, which a profile shows
    return own


def compile_program(program: Program, backend: Backend, device: str) -> Executable:
    """Optimises, legalises and compiles a program."""
    profile = switch.active
    if profile is not None:
        return profile.compile(program, backend, device)
    return backend.compile(prepare(program, backend, device), CompileOptions(device=device))


def _concrete(type: TensorType, sizes: dict[str, int]) -> TensorType:
    return TensorType(type.dtype, tuple(substitute(dim, sizes) for dim in type.shape))
