"""Running operations at once: small compiled programs, kept by rank and dtype rather than by size."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import Dim, SymbolicDimError, symbol
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu.tracing.compiled import Cache, CompiledProgram
from cornu.tracing.tensor import ConcreteTensor

_PROGRAMS: Cache[Any, CompiledProgram] = Cache(1024)


class Recorder(Protocol):
    """What follows eager operations: a gradient tape."""

    def record(
        self, op: str, inputs: Sequence[ConcreteTensor], outputs: Sequence[ConcreteTensor], attributes: dict[str, Any]
    ) -> None:
        """Notes one operation."""
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


def _compiled(op: str, inputs: Sequence[ConcreteTensor], attributes: dict[str, Any]) -> CompiledProgram:
    shared = (op, _freeze(attributes))
    general = (shared, tuple((x.dtype, tuple(dim == 1 for dim in x.type.shape)) for x in inputs))
    exact = (shared, tuple(x.type for x in inputs))
    found = _PROGRAMS.get(exact) or _PROGRAMS.get(general)
    shapes: list[Any] = [x.type.shape for x in inputs]
    if found is not None and _fits(found.program, shapes):
        return found
    key: Any = general
    try:
        program = _build(op, _generalised(inputs), attributes)
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


def _generalised(inputs: Sequence[ConcreteTensor]) -> list[TensorType]:
    """Types with a symbol for every size but 1."""
    return [
        TensorType(x.dtype, tuple(1 if dim == 1 else symbol(f"n{i}_{axis}") for axis, dim in enumerate(x.type.shape)))
        for i, x in enumerate(inputs)
    ]


def _freeze(value: Any) -> Any:
    """A hashable stand-in for an attribute; programs stand for themselves."""
    if isinstance(value, dict):
        return tuple((name, _freeze(item)) for name, item in sorted(value.items()))
    if isinstance(value, tuple):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, (bool, int, float)) and not isinstance(value, Dim):
        return (type(value), value)
    return value
