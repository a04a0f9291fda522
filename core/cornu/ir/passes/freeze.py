"""Building variables into a program as constants."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cornu.ir.dim import Dim, DimLike, substitute
from cornu.ir.program import Node, Program, map_program_dims
from cornu.ir.types import TensorType, dtype_name


def freeze(program: Program, arrays: Mapping[int, np.ndarray]) -> Program:
    """Turns inputs into constants.

    Args:
        program: The program.
        arrays: The array for each input position that shall not be an input any more. They are not copied.

    Returns:
        The program of the remaining inputs, in their order. Where a frozen input had a symbolic size, that size is
        known in the whole program.

    Raises:
        ValueError: If a position is no input, or an array has another dtype or shape than its input.

    Example:
        >>> freeze(program, {1: weights}).inputs
    """
    for i, array in arrays.items():
        if not 0 <= i < len(program.inputs):
            raise ValueError(f"Program {program.name} has {len(program.inputs)} inputs; none at {i} to freeze.")
        _check(program, i, array)
    sizes: dict[str, DimLike] = {}
    for i, array in arrays.items():
        for dim, size in zip(program.inputs[i].shape, array.shape, strict=True):
            name = dim.bare_symbol if isinstance(dim, Dim) else None
            if name is not None and sizes.setdefault(name, size) != size:
                raise ValueError(f"Program {program.name}: `{dim}` would be both {sizes[name]} and {size} when frozen.")
    if sizes:
        program = map_program_dims(program, lambda dim: substitute(dim, sizes))
    constants = []
    for i, array in arrays.items():
        value = program.inputs[i]
        if value.type != TensorType(dtype_name(array.dtype), array.shape):
            raise ValueError(f"Input {i} ({value.name}) of {program.name} is {value.type}, not of shape {array.shape}.")
        constants.append(Node("Constant", (), (value,), {"value": array}))
    inputs = tuple(value for i, value in enumerate(program.inputs) if i not in arrays)
    return Program(program.name, inputs, program.outputs, (*constants, *program.nodes))


def _check(program: Program, i: int, array: np.ndarray) -> None:
    value = program.inputs[i]
    fits = dtype_name(array.dtype) == value.dtype and array.ndim == value.type.rank
    if not fits or any(isinstance(d, int) and d != n for d, n in zip(value.shape, array.shape, strict=True)):
        raise ValueError(
            f"Input {i} ({value.name}) of {program.name} is {value.type}, "
            f"got an array of {array.dtype} and shape {array.shape}."
        )
