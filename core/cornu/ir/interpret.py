"""The living definition of a program's meaning: run node by node on the reference kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cornu.ir.dim import substitute
from cornu.ir.primitive import lookup
from cornu.ir.program import Program, Value, bind_attribute
from cornu.ir.types import numpy_dtype

Run = Callable[[Program, Sequence[np.ndarray], Mapping[str, int]], list[np.ndarray]]


@dataclass(frozen=True)
class BoundBody:
    """A sub-program as a function of arrays, as the kernels of control structures get it.

    Args:
        program: The sub-program.
        sizes: Values of the enclosing program's symbols.
        run: What executes it.
    """

    program: Program
    sizes: Mapping[str, int]
    run: Run

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        return self.run(self.program, arrays, self.sizes)

    @property
    def output_types(self) -> list[tuple[np.dtype, tuple[int, ...]]]:
        """The dtype and shape of each output."""
        return [
            (numpy_dtype(value.dtype), tuple(int(substitute(dim, self.sizes)) for dim in value.shape))
            for value in self.program.outputs
        ]


def evaluate(
    program: Program, arrays: Sequence[np.ndarray], sizes: Mapping[str, int] | None = None
) -> list[np.ndarray]:
    """Runs a program on NumPy arrays.

    Args:
        program: The program.
        arrays: One array per input.
        sizes: Values of symbols that the inputs' shapes do not give (in a sub-program, those of the enclosing one).

    Returns:
        One array per output.

    Raises:
        ValueError: If the arrays do not fit the program's input types.
    """
    arrays = [np.asarray(array) for array in arrays]
    sizes = program.bind([array.shape for array in arrays], sizes)
    values: dict[Value, np.ndarray] = dict(zip(program.inputs, arrays, strict=True))
    for node in program.nodes:
        attributes = {name: bind_attribute(value, sizes, bind_body) for name, value in node.attributes.items()}
        results = lookup(node.op).kernel(*[values[value] for value in node.inputs], **attributes)
        results = results if isinstance(results, (tuple, list)) else (results,)
        values.update((value, np.asarray(result)) for value, result in zip(node.outputs, results, strict=True))
    return [values[value] for value in program.outputs]


def bind_body(body: Program, sizes: Mapping[str, int]) -> BoundBody:
    """A sub-program that runs on the reference kernels."""
    return BoundBody(body, sizes, evaluate)
