"""Programs of several nodes, with the formula for what they compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, substitute
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType, is_float, numpy_dtype

from cornu_conformance.check import Example

Make = Callable[..., Value | Sequence[Value]]
Formula = Callable[..., Sequence[np.ndarray]]
Sizes = Mapping[str, int]

BINDINGS: tuple[Sizes, ...] = ({"n": 3, "m": 2}, {"n": 1, "m": 4}, {"n": 0, "m": 2}, {"n": 6, "m": 1}, {"n": 3, "m": 2})
"""The first again at the end: sizes in between must leave nothing behind."""


@dataclass(frozen=True)
class Graph:
    """A program and the formula for it.

    Args:
        name: Its name.
        types: The inputs.
        make: From a builder and the inputs to the outputs.
        formula: From the arrays, floats in float64, to the outputs.
        bindings: The sizes to run it with, in order.
        differentiable: Whether the level of gradients may take it.
        tolerance: What the dtypes' tolerances are multiplied with.
        low: The least element of float inputs.
        integers: The largest integer among the inputs, excluded.
    """

    name: str
    types: Sequence[TensorType]
    make: Make
    formula: Formula
    bindings: Sequence[Sizes] = BINDINGS
    differentiable: bool = False
    tolerance: float = 4.0
    low: float = -1.0
    integers: int = 3

    def program(self) -> Program:
        """The program."""
        b = Builder(self.name)
        outputs = self.make(b, *[b.input(type, f"x{i}") for i, type in enumerate(self.types)])
        return b.finish([outputs] if isinstance(outputs, Value) else list(outputs))

    def arrays(self, sizes: Sizes, seed: int = 0) -> list[np.ndarray]:
        """Inputs of those sizes."""
        random = np.random.default_rng(seed)
        arrays = []
        for type in self.types:
            shape = [int(substitute(dim, sizes)) for dim in type.shape]
            if is_float(type.dtype):
                array: np.ndarray = random.uniform(self.low, 1.0, shape)
            else:
                array = random.integers(0, 2 if type.dtype == "bool" else self.integers, shape)
            arrays.append(np.asarray(array, numpy_dtype(type.dtype)))
        return arrays

    def example(self, sizes: Sizes, program: Program | None = None) -> Example:
        """The program with inputs of those sizes."""
        program = program or self.program()
        arrays = self.arrays(sizes)
        wide = [a.astype(np.float64) if is_float(a.dtype.name) else a for a in arrays]
        with np.errstate(all="ignore"):
            results = self.formula(*wide)
        expected = [np.asarray(r).astype(numpy_dtype(v.dtype)) for r, v in zip(results, program.outputs, strict=True)]
        return Example(program, arrays, expected, self.tolerance)


def f32(*shape: DimLike) -> TensorType:
    """A float32 type."""
    return TensorType("float32", shape)


def body(name: str, types: Sequence[TensorType], make: Make) -> Program:
    """A sub-program."""
    b = Builder(name)
    outputs = make(b, *[b.input(type, f"{name}{i}") for i, type in enumerate(types)])
    return b.finish([outputs] if isinstance(outputs, Value) else list(outputs))
