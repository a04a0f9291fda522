"""From programs to the bytes of a model, with what an executable has to know beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cornu.ir.program import Program

from cornu_onnxruntime.extension import Kernels
from cornu_onnxruntime.lowering import WRITERS, lower
from cornu_onnxruntime.sized import with_sizes
from cornu_onnxruntime.support import OPSET

BY_REFERENCE = 1 << 16
"""The size in bytes from which a constant is given to the session as it is instead of through the model's bytes."""

_LENGTH = 8


@dataclass(frozen=True)
class Model:
    """A model ready for a session.

    Args:
        proto: Its bytes.
        input_names: The names of its inputs in the program's order.
        output_names: The names of its outputs.
        outputs: For each output of the program, `(True, i)` for the model's i-th output or `(False, i)` for the
            program's own i-th input.
        origins: The operator and layer of each node.
        in_place: For outputs of the model that may be written where an input lies, that input's position.
        arrays: The constants that the model refers to by name instead of holding their bytes.
    """

    proto: bytes
    input_names: Sequence[str]
    output_names: Sequence[str]
    outputs: Sequence[tuple[bool, int]]
    origins: Mapping[str, tuple[str, str]]
    in_place: Mapping[int, int] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Everything but the arrays."""
        in_place = list(self.in_place.items())
        told = json.dumps([self.input_names, self.output_names, self.outputs, self.origins, in_place]).encode()
        return len(told).to_bytes(_LENGTH, "little") + told + self.proto

    @classmethod
    def from_bytes(cls, stored: bytes) -> Model:
        """What `to_bytes` gave."""
        end = _LENGTH + int.from_bytes(stored[:_LENGTH], "little")
        inputs, outputs, places, origins, in_place = json.loads(stored[_LENGTH:end])
        places = [(computed, i) for computed, i in places]
        origins = {name: (op, scope) for name, (op, scope) in origins.items()}
        return cls(stored[end:], inputs, outputs, places, origins, dict(in_place))


def make_model(
    program: Program, sizes: Mapping[str, int] | None, lowers: bool, kernels: Kernels | None = None
) -> Model:
    """Writes a program as a model.

    Args:
        program: A program of nodes that the backend supports.
        sizes: The values of its symbols, where the model is to serve these only.
        lowers: Whether the model may have the fast forms of the CPU provider.
        kernels: Custom operators that it may have then.
    """
    from cornu.ir.onnx import write_model

    program = program if sizes is None else with_sizes(program, sizes)
    program = lower(program, kernels=kernels) if lowers else program
    program, in_place = (program, {}) if kernels is None else kernels.update_in_place(program)
    computed, outputs = _split_outputs(program)
    rules = WRITERS if kernels is None else {**WRITERS, **kernels.writers}
    written = write_model(
        computed, opset=OPSET, by_reference=BY_REFERENCE, with_types=False, guard_empty=True, rules=rules
    )
    return Model(
        written.proto.SerializeToString(),
        written.input_names,
        written.output_names,
        outputs,
        written.origins,
        {outputs[result][1]: given for result, given in in_place.items()},
        written.arrays,
    )


def _split_outputs(program: Program) -> tuple[Program, list[tuple[bool, int]]]:
    """The program without outputs that are inputs or that come twice, and where to find each output then."""
    given = {value: i for i, value in enumerate(program.inputs)}
    places: dict[Any, int] = {}
    outputs: list[tuple[bool, int]] = []
    for value in program.outputs:
        if value in given:
            outputs.append((False, given[value]))
        else:
            outputs.append((True, places.setdefault(value, len(places))))
    return Program(program.name, program.inputs, tuple(places), program.nodes), outputs
