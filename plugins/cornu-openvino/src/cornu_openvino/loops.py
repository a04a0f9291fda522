"""Loops whose body is one part of OpenVINO's: results are written to their places, and nothing else is copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from cornu.ir.program import Node, Value

from cornu_openvino.buffers import Buffer, array_type, tensor_of
from cornu_openvino.model import Model, Run
from cornu_openvino.parts import Part, cut
from cornu_openvino.runtime import Runtime
from cornu_openvino.sizes import SizedProgram, with_sizes
from cornu_openvino.support import Place


class ScanStep:
    """A Scan over a compiled body.

    OpenVINO's own loop is not used: in 2026.4 it hands a body that is one fused operator the state of an earlier step.

    Args:
        node: The node.
        body: Its body, of fixed sizes.
        model: The body, compiled.
    """

    def __init__(self, node: Node, body: SizedProgram, model: Model) -> None:
        a = node.attributes
        self.inputs, self.outputs = node.inputs, node.outputs
        self._carries, self._sequences = a["carries"], a["sequences"]
        self._order = range(a["length"])[::-1] if a["reverse"] else range(a["length"])
        self._body, self._model = body, model
        self._operands = {value: i for i, value in enumerate(body.inputs)}
        self._made = {value: i for i, value in enumerate(model.outputs)}
        carried = body.outputs[: self._carries]
        self._direct = {
            value: k
            for k, value in reversed(list(enumerate(body.outputs[self._carries :])))
            if value in self._made and value not in carried
        }
        """The results that the body writes to their places itself."""

    def run(self, runtime: Runtime, buffers: Sequence[Buffer]) -> list[Buffer]:
        """Goes through the steps.

        Raises:
            BackendError: If OpenVINO fails.
        """
        # What lies in row-major order from here on, and `values` keeps alive: a request of OpenVINO's holds nothing.
        tensors = [buffer.tensor(runtime.module) for buffer in buffers]
        values = {value: buffer.array for value, buffer in zip(self._body.inputs, buffers, strict=True)}
        values.update(self._body.constants)
        results = [runtime.memory.empty(*array_type(value)) for value in self.outputs[self._carries :]]
        with self._model.running() as run:
            for i, value in enumerate(self._model.inputs):
                if self._operands[value] >= self._carries + self._sequences:
                    run.set_input(i, tensors[self._operands[value]])
            self._loop(runtime, run, buffers, values, results)
        state = [np.array(values[value], order="C") for value in self._body.inputs[: self._carries]]
        return [Buffer(array) for array in (*state, *results)]

    def _loop(
        self,
        runtime: Runtime,
        run: Run,
        buffers: Sequence[Buffer],
        values: dict[Value, np.ndarray],
        results: Sequence[np.ndarray],
    ) -> None:
        first, last = self._carries, self._carries + self._sequences
        inputs = [(i, value) for i, value in enumerate(self._model.inputs) if self._operands[value] < last]
        carried = self._body.outputs[:first]
        # What is carried alternates between two places: one is read while the other is written.
        places = {v: [self._model.result(self._made[v]) for _ in range(2)] for v in carried if v in self._made}
        tensors = {v: [tensor_of(runtime.module, array) for array in pair] for v, pair in places.items()}
        for turn, t in enumerate(self._order):
            for value, buffer in zip(self._body.inputs[first:last], buffers[first:last], strict=True):
                values[value] = buffer.array[t, ...]
            for i, value in inputs:
                run.set_input(i, tensor_of(runtime.module, values[value]))
            for value, pair in tensors.items():
                run.set_output(self._made[value], pair[turn % 2])
                values[value] = places[value][turn % 2]
            for value, k in self._direct.items():
                values[value] = results[k][t, ...]
                run.set_output(self._made[value], tensor_of(runtime.module, values[value]))
            run.infer()
            for k, value in enumerate(self._body.outputs[first:]):
                if self._direct.get(value) != k:
                    results[k][t, ...] = values[value]
            following = [values[v] if v in self._made else np.array(values[v], order="C") for v in carried]
            values.update(zip(self._body.inputs[:first], following, strict=True))


def scan_step(node: Node, make_model: Callable[[Part, Mapping[Value, np.ndarray]], Model]) -> ScanStep | None:
    """A step for a Scan whose body OpenVINO runs as one part; None for any other node.

    Args:
        node: The node.
        make_model: Compiles a part.
    """
    if node.op != "Scan" or not node.attributes["length"] or node.attributes["body"].symbols:
        return None
    body = with_sizes(node.attributes["body"], {})
    parts = cut(body)
    if len(parts) != 1 or parts[0].place is not Place.OPENVINO:
        return None
    return ScanStep(node, body, make_model(parts[0], body.constants))
