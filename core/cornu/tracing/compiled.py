"""From programs to executables: the one place where the core calls a backend."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from threading import Lock
from typing import Generic, TypeVar

from cornu.backend.config import current_backend, current_device
from cornu.backend.contract import Backend, CompileOptions, Executable
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

    def run(
        self,
        tensors: Sequence[ConcreteTensor],
        donate: frozenset[int] = frozenset(),
        executable: Executable | None = None,
    ) -> list[ConcreteTensor]:
        """Runs the program on the current backend.

        Args:
            tensors: One per input.
            donate: Positions whose buffers the backend may reuse.
            executable: Another executable of this program than the ordinary one.

        Raises:
            ValueError: If the tensors do not fit the program.
            BackendError: If the backend fails.
        """
        backend, device = current_backend(), current_device()
        sizes = self.program.bind([tensor.type.shape for tensor in tensors])  # type: ignore[misc]
        ready = executable or self.executable(backend, device)
        buffers = ready([tensor.buffer(backend, device) for tensor in tensors], donate)
        return [
            ConcreteTensor(buffer, backend, _concrete(type, sizes) if symbolic else type, device)
            for (type, symbolic), buffer in zip(self._results, buffers, strict=True)
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
