"""What is written to a file: a program, the names of its inputs and outputs, and the state that it hands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cornu import tree
from cornu.ir.dim import Dim, SymbolicDimError
from cornu.ir.passes import optimise
from cornu.ir.passes.freeze import freeze
from cornu.ir.program import Program
from cornu.ir.shapes import SizeConflictError
from cornu.ops.keras_tensor import KerasTensor
from cornu.tracing.function import TracedFunction, close_trace
from cornu.tracing.tensor import TracedTensor
from cornu.tracing.trace import Trace, recording
from cornu.tracing.variable import Variable

NEXT = "next/"
"""How the output begins that holds what an input of state becomes."""


class SymbolicSizeError(ValueError):
    """A size that was to stay open is fixed by what is computed."""


@dataclass(frozen=True)
class Exportable:
    """A program ready to be written.

    Args:
        program: Its inputs are those of the caller and then the state; its outputs the results and then the new state.
        plain: The program with every variable as an input, as it was traced.
        input_names: The names of the inputs.
        output_names: The names of the outputs.
        state: The state's values at first, by the names of inputs.
        values: What the variables hold that `plain` reads, in its order.
    """

    program: Program
    plain: Program
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    state: Mapping[str, np.ndarray]
    values: tuple[np.ndarray, ...]

    def with_program(self, program: Program) -> Exportable:
        """The same with an equal program in another form."""
        return replace(self, program=program)


def trace(
    name: str,
    function: Callable[[Any], Any],
    structure: Any,
    output_names: Callable[[Any], Sequence[str]],
    ignored: Sequence[Variable] = (),
) -> Exportable:
    """Traces a function on placeholders; variables that it only reads become constants, others are state.

    Args:
        name: The program's name.
        function: The function of the placeholders' structure.
        structure: KerasTensors.
        output_names: Makes the outputs' names of the function's result.
        ignored: Variables that are no state: what they become is dropped.

    Raises:
        SymbolicSizeError: If a size that was to stay open is fixed by the computation.
    """
    leaves = tree.flatten(structure)
    recorded = Trace(name)
    given = iter([TracedTensor(recorded.builder.input(leaf.type, leaf.name), recorded) for leaf in leaves])
    try:
        with recording(recorded):
            result = function(tree.map_structure(lambda leaf: next(given), structure))
    except (SymbolicDimError, SizeConflictError) as error:
        raise SymbolicSizeError(f"A size of {name} that was to stay open cannot: {error}") from error
    names = list(output_names(result))
    traced: TracedFunction = close_trace(recorded, result)
    _check_open(name, leaves, traced.compiled.program)
    return _finished(traced, [leaf.name for leaf in leaves], names, ignored)


def _check_open(name: str, leaves: Sequence[KerasTensor], program: Program) -> None:
    for leaf, value in zip(leaves, program.inputs, strict=False):
        for axis, (wanted, found) in enumerate(zip(leaf.type.shape, value.shape, strict=True)):
            if isinstance(wanted, Dim) and not isinstance(found, Dim):
                raise SymbolicSizeError(f"Axis {axis} of {leaf.name!r} cannot stay open: {name} needs {found} there.")


def _finished(
    traced: TracedFunction, inputs: Sequence[str], outputs: Sequence[str], ignored: Sequence[Variable]
) -> Exportable:
    whole = traced.compiled.program
    first, results = len(inputs), len(whole.outputs) - len(traced.writes)
    passed_over = set(map(id, ignored))
    read = {id(variable): i for i, variable in enumerate(traced.reads)}
    # What is written but not read was set anew in between: nobody needs to hand it on.
    carried = [i for i, v in enumerate(traced.writes) if id(v) in read and id(v) not in passed_over]
    kept = (*whole.outputs[:results], *(whole.outputs[results + i] for i in carried))
    plain = Program(whole.name, whole.inputs, kept, whole.nodes)
    values = tuple(np.asarray(variable.concrete().numpy()) for variable in traced.reads)
    state = {read[id(traced.writes[i])] for i in carried}
    fixed = {first + i: array for i, array in enumerate(values) if i not in state}
    names = unique([*inputs, *(traced.reads[i].path for i in sorted(state))])
    paths = dict(zip(sorted(state), names[first:], strict=True))
    return Exportable(
        optimise(freeze(plain, fixed)),
        plain,
        tuple(names),
        (*unique(outputs), *(NEXT + paths[read[id(traced.writes[i])]] for i in carried)),
        {path: values[i] for i, path in paths.items()},
        values,
    )


def unique(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come again."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.append(f"{name}_{count}" if count else name)
    return result
