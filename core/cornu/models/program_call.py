"""A program as part of another one, in whose sizes it then is."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.builder import Builder
from cornu.ir.dim import Dim, DimLike, substitute
from cornu.ir.program import Program, Value, map_program_dims
from cornu.ir.shapes import SizeConflictError, show_shape


def call_program(b: Builder, program: Program, values: Sequence[Value]) -> tuple[Value, ...]:
    """Records what a program computes of tensors, and returns its outputs.

    Args:
        b: Where to record.
        program: The program; its symbols take the sizes that the tensors have.
        values: One tensor per input, of its dtype and rank.

    Raises:
        ValueError: If a size cannot be what the program needs.
    """
    sizes = _bound(b, program, values)
    here = map_program_dims(program, lambda dim: substitute(dim, sizes)) if program.symbols else program
    return b.inline(here, values)


def _bound(b: Builder, program: Program, values: Sequence[Value]) -> dict[str, DimLike]:
    """The sizes that the program's symbols have; where a size of the tensors must be another one, it becomes that."""
    sizes: dict[str, DimLike] = {}
    rest: list[tuple[int, int, DimLike]] = []
    for i, value in enumerate(program.inputs):
        for axis, dim in enumerate(value.shape):
            name = dim.bare_symbol if isinstance(dim, Dim) else None
            if name is None or name in sizes:
                rest.append((i, axis, dim))
            else:
                sizes[name] = b.resolve_type(values[i].type).shape[axis]
    for i, axis, dim in rest:
        have, want = b.resolve_type(values[i].type).shape[axis], b.resolve(substitute(dim, sizes))
        if have != want:
            formal = program.inputs[i]
            conflict = SizeConflictError(
                have, want, f'Input "{formal.name}": expected shape={show_shape(formal.shape)}, axis {axis} is `{dim}`'
            )
            b.unify(conflict)
    return {name: b.resolve(size) for name, size in sizes.items()}
