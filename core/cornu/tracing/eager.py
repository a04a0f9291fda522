"""Running operations at once: small compiled programs, kept by rank and dtype rather than by size."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import Dim, SymbolicDimError, substitute, symbol
from cornu.ir.fingerprint import fingerprint
from cornu.ir.program import Program, map_program_dims
from cornu.ir.types import TensorType
from cornu.tracing.compiled import Cache, CompiledProgram
from cornu.tracing.tensor import ConcreteTensor

if TYPE_CHECKING:
    from cornu.tracing.variable import Variable

_PROGRAMS: Cache[Any, CompiledProgram] = Cache(1024)
# Operands whose sizes stay fixed: how many parts a convolution consists of depends on its kernel.
_FIXED_SIZES = {"Conv": (1,), "ConvTranspose": (1,)}


class Recorder(Protocol):
    """What follows eager operations: a gradient tape."""

    def record(
        self, op: str, inputs: Sequence[ConcreteTensor], outputs: Sequence[ConcreteTensor], attributes: dict[str, Any]
    ) -> None:
        """Notes one operation."""
        ...

    def note_reading(self, variable: Variable, tensor: ConcreteTensor) -> None:
        """Notes what a variable holds where it is read."""
        ...


RECORDERS: ContextVar[tuple[Recorder, ...]] = ContextVar("cornu_recorders", default=())


def run_eagerly(op: str, inputs: Sequence[ConcreteTensor], attributes: dict[str, Any]) -> tuple[ConcreteTensor, ...]:
    """Runs one primitive on the current backend.

    Raises:
        TypeError, ValueError: If the operands do not fit the primitive.
        BackendError: If the backend fails.
    """
    outputs = tuple(_compiled(op, inputs, attributes).run(inputs))
    for recorder in RECORDERS.get():
        recorder.record(op, inputs, outputs, attributes)
    return outputs


def record_call(program: Program, inputs: Sequence[ConcreteTensor], outputs: Sequence[ConcreteTensor]) -> None:
    """Tells the recorders that a program has run, as one operation."""
    recorders = RECORDERS.get()
    if not recorders:
        return
    sizes = program.bind([x.type.shape for x in inputs])  # type: ignore[misc]
    body = map_program_dims(program, lambda dim: substitute(dim, sizes)) if sizes else program
    for recorder in recorders:
        recorder.record("Call", inputs, outputs, {"name": program.name, "body": body, "primals": len(outputs)})


def record_reading(variable: Variable, tensor: ConcreteTensor) -> None:
    """Tells the recorders what a variable holds where it is read."""
    for recorder in RECORDERS.get():
        recorder.note_reading(variable, tensor)


def _compiled(op: str, inputs: Sequence[ConcreteTensor], attributes: dict[str, Any]) -> CompiledProgram:
    shared = (op, _freeze(attributes))
    kept = _FIXED_SIZES.get(op, ())
    general = (
        shared,
        tuple(
            x.type if i in kept else (x.dtype, tuple(dim == 1 for dim in x.type.shape)) for i, x in enumerate(inputs)
        ),
    )
    exact = (shared, tuple(x.type for x in inputs))
    found = _PROGRAMS.get(exact) or _PROGRAMS.get(general)
    shapes: list[Any] = [x.type.shape for x in inputs]
    if found is not None and _fits(found.program, shapes):
        return found
    key: Any = general
    try:
        program = _build(op, _generalised(inputs, kept), attributes)
        if not _fits(program, shapes):
            raise ValueError(op)
    except (SymbolicDimError, ValueError, TypeError):
        key, program = exact, _build(op, [x.type for x in inputs], attributes)
    compiled = CompiledProgram(program)
    _PROGRAMS.put(key, compiled)
    return compiled


def _fits(program: Program, shapes: list[Any]) -> bool:
    try:
        program.check_inputs(shapes)
    except ValueError:
        return False
    return True


def _build(op: str, types: Sequence[TensorType], attributes: dict[str, Any]) -> Program:
    b = Builder(op)
    return b.finish(b.emit(op, [b.input(type) for type in types], attributes))


def _generalised(inputs: Sequence[ConcreteTensor], kept: Sequence[int]) -> list[TensorType]:
    """Types with a symbol for every size but 1, save for the operands `kept`."""
    return [
        x.type
        if i in kept
        else TensorType(
            x.dtype, tuple(1 if dim == 1 else symbol(f"n{i}_{axis}") for axis, dim in enumerate(x.type.shape))
        )
        for i, x in enumerate(inputs)
    ]


def _freeze(value: Any) -> Any:
    """A hashable stand-in for an attribute."""
    if isinstance(value, dict):
        return tuple((name, _freeze(item)) for name, item in sorted(value.items()))
    if isinstance(value, tuple):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, Program):
        return (Program, fingerprint(value))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, (bool, int, float)) and not isinstance(value, Dim):
        return (type(value), value)
    return value
