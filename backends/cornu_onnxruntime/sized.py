"""Programs of symbolic sizes, compiled for the sizes that come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from cornu.backend.contract import BackendError, Buffer, NodeEvent
from cornu.ir.dim import substitute
from cornu.ir.passes import optimise
from cornu.ir.program import Program, map_program_dims

from cornu_onnxruntime.executable import OnnxRuntimeExecutable

_OWN = 4
"""How many different sizes get an executable of their own; after them, one serves all others."""

_FEWEST_NODES = 16
_GAINING = frozenset({"Conv", "ConvTranspose", "ReduceSum", "Call"})


def gains_from_sizes(program: Program) -> bool:
    """Whether a program should be compiled for its actual sizes: the fast forms of its operators need them.

    Small programs, those of single operations, are left alone: they are compiled once for all sizes.
    """
    if not program.symbols or len(program.nodes) < _FEWEST_NODES:
        return False
    constants = {value for node in program.nodes if node.op == "Constant" for value in node.outputs}
    return any(node.op in _GAINING and not constants.intersection(node.inputs[1:2]) for node in program.nodes)


def with_sizes(program: Program, sizes: Mapping[str, int]) -> Program:
    """The program with numbers in the place of symbols."""
    return optimise(map_program_dims(program, lambda dim: substitute(dim, sizes)))


class SizedExecutable:
    """Compiles a program for each of the first few sizes that it meets, and then once for all others.

    Args:
        program: A program with symbolic sizes.
        compile: Compiles a program, for the sizes of its symbols or, without them, for all.
    """

    def __init__(
        self, program: Program, compile: Callable[[Program, Mapping[str, int] | None], OnnxRuntimeExecutable]
    ) -> None:
        self._program = program
        self._compile = compile
        self._places = [(i, axis) for i, axis, _ in program._symbolic_axes]
        self._own: dict[tuple[int, ...], OnnxRuntimeExecutable] = {}
        self._general: OnnxRuntimeExecutable | None = None
        self._lock = Lock()

    def __call__(self, inputs: Sequence[Buffer], donate: frozenset[int] = frozenset()) -> list[Buffer]:
        """Runs the program on `inputs`."""
        key = tuple([inputs[i].shape()[axis] for i, axis in self._places])
        ready = self._own.get(key) or self._ready(key, inputs)
        return ready(inputs, donate)

    def _ready(self, key: tuple[int, ...], inputs: Sequence[Any]) -> OnnxRuntimeExecutable:
        try:
            return self._prepare(key, inputs)
        except Exception as error:
            if isinstance(error, BackendError):
                raise
            message = f"{self._program.name} could not be compiled: {type(error).__name__}: {error}"
            raise BackendError(message, spent=frozenset()) from error

    def _prepare(self, key: tuple[int, ...], inputs: Sequence[Any]) -> OnnxRuntimeExecutable:
        with self._lock:
            if key in self._own:
                return self._own[key]
            if len(self._own) < _OWN and 0 not in key:
                sizes = self._program.bind([buffer.shape() for buffer in inputs])
                self._own[key] = self._compile(self._program, sizes)
                return self._own[key]
            if self._general is None:
                self._general = self._compile(self._program, None)
            return self._general

    def profile(self) -> list[NodeEvent]:
        """What the nodes have cost, if that was asked for."""
        return [event for executable in self._all() for event in executable.profile()]

    def synchronize(self) -> None:
        """Returns when everything that was started has ended."""
        for executable in self._all():
            executable.synchronize()

    def close(self) -> None:
        """Frees all sessions."""
        for executable in self._all():
            executable.close()

    def _all(self) -> list[OnnxRuntimeExecutable]:
        return [*self._own.values(), *([self._general] if self._general else [])]
